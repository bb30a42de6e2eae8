# Calls the cell's function with the arguments of args.json; its result goes to result.json, its error to error.json.
local({
  entry <- commandArgs(trailingOnly = TRUE)[[1]]
  if (!requireNamespace("jsonlite", quietly = TRUE)) {
    writeLines(paste0(
      '{"name": "ExecutionErr", "message": "R cells need the package jsonlite, which is not installed. ',
      'Install it with: sudo apt install r-cran-jsonlite"}'
    ), "error.json")
    quit(status = 0)
  }

  # The last line of the cell that the calls go through.
  line_of <- function(calls) {
    for (call in rev(calls)) {
      place <- attr(call, "srcref")
      file <- if (is.null(place)) NULL else attr(place, "srcfile")
      if (!is.null(file) && identical(basename(file$filename), "cell.R")) return(as.integer(place)[[1]])
    }
    NULL
  }
  fail <- function(problem, calls) {
    message <- conditionMessage(problem)
    line <- line_of(calls)
    parsed <- regmatches(message, regexec("cell\\.R:([0-9]+):", message))[[1]]
    if (length(parsed) == 2) line <- as.integer(parsed[[2]])
    name <- if (length(parsed) == 2) "SyntaxError" else class(problem)[[1]]
    found <- list(name = jsonlite::unbox(name), message = jsonlite::unbox(message))
    if (!is.null(line)) found$line <- jsonlite::unbox(line)
    writeLines(jsonlite::toJSON(found), "error.json")
    quit(status = 0)
  }

  withCallingHandlers(
    {
      options(keep.source = TRUE)
      cell <- new.env(parent = globalenv())
      source("cell.R", local = cell, keep.source = TRUE)
      main <- cell[[entry]]
      if (!is.function(main)) {
        stop(sprintf("There is no function `%s` in this cell. Write: %s <- function(x) { ... }", entry, entry), call. = FALSE)
      }
      given <- jsonlite::fromJSON("args.json", simplifyVector = TRUE)
      wanted <- formals(main)
      taken <- list()
      for (name in if ("..." %in% names(wanted)) union(setdiff(names(wanted), "..."), names(given)) else names(wanted)) {
        if (!is.null(given[[name]])) {
          taken[[name]] <- given[[name]]
        } else if (name %in% names(wanted) && is.symbol(wanted[[name]]) && identical(as.character(wanted[[name]]), "")) {
          taken[name] <- list(NULL)
        }
      }
      result <- do.call(main, taken)
      text <- jsonlite::toJSON(
        result, auto_unbox = TRUE, null = "null", na = "null", digits = NA, POSIXt = "ISO8601", raw = "base64", force = TRUE
      )
      writeLines(enc2utf8(text), "result.json", useBytes = TRUE)
    },
    error = function(problem) fail(problem, sys.calls())
  )
})
