// A log as lines: pieces of text come in any cut; carriage returns redraw their line; colours reach over line ends.
// Pure, so that it is tested without a browser.

const SGR = /\u001b\[([0-9;]*)m/g;
const OTHER_ESCAPES = /\u001b(?:\[[0-9;?]*[A-HJKSTfhlnsu]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9]|[=>])/g;
const LONGEST_STYLE = 64;

export class LogBuffer {
  constructor() {
    this.lines = [];
    this.styles = new Map(); // line index → the escape text in force where the line begins
    this.open = "";
    this.partial = false; // whether the last line has no end yet
  }

  /** Add text as it came. The last line stays open until its newline arrives. */
  append(text) {
    if (!text) return;
    const pieces = text.split("\n");
    if (this.partial) {
      const index = this.lines.length - 1;
      this.lines[index] = redraw(this.lines[index] + pieces[0]);
    } else if (pieces[0] !== "" || pieces.length > 1) this.#push(pieces[0]);
    for (let i = 1; i < pieces.length; i += 1) {
      this.#end();
      if (i < pieces.length - 1 || pieces[i] !== "") this.#push(pieces[i]);
      else this.partial = false;
    }
  }

  #push(piece) {
    if (this.open) this.styles.set(this.lines.length, this.open);
    this.lines.push(redraw(piece));
    this.partial = true;
  }

  /** The last line is complete: drop its carriage return, and carry its colours on. */
  #end() {
    const index = this.lines.length - 1;
    if (index < 0) return;
    const line = this.lines[index];
    this.lines[index] = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (line.includes("\u001b[")) this.open = styleAfter(this.open, line);
    this.partial = false;
  }

  /** The line with its colours, for an ANSI parser. */
  styled(index) {
    return (this.styles.get(index) || "") + this.lines[index];
  }

  /** Indices of lines that hold `needle`, case-insensitive, escapes not counted. */
  find(needle) {
    const wanted = needle.toLowerCase();
    const found = [];
    for (let i = 0; i < this.lines.length; i += 1) if (plain(this.lines[i]).toLowerCase().includes(wanted)) found.push(i);
    return found;
  }
}

export const plain = (line) => (line.includes("\u001b") ? line.replace(SGR, "").replace(OTHER_ESCAPES, "") : line);

/** What a terminal shows of a line with carriage returns: later text overwrites from the start. */
function redraw(line) {
  const clean = line.includes("\u001b") ? line.replace(OTHER_ESCAPES, "") : line;
  if (!clean.includes("\r")) return clean;
  const open = clean.endsWith("\r"); // it may be half of a Windows line end: keep it until we know
  const drawn = (open ? clean.slice(0, -1) : clean).split("\r").reduce((shown, next) => {
    const width = plain(next).length;
    return width >= plain(shown).length || shown.includes("\u001b") ? next || shown : next + shown.slice(width);
  });
  return open ? `${drawn}\r` : drawn;
}

function styleAfter(open, line) {
  let style = open;
  for (const [whole, codes] of line.matchAll(SGR)) {
    const list = codes === "" ? ["0"] : codes.split(";");
    const reset = list.lastIndexOf("0");
    // 38;5;0 ends in a zero that is a colour, not a reset
    if (reset >= 0 && !["38", "48"].includes(list[0])) style = list.length - 1 > reset ? `\u001b[${list.slice(reset + 1).join(";")}m` : "";
    else style += whole;
  }
  return style.length > LONGEST_STYLE ? style.slice(style.lastIndexOf("\u001b")) : style;
}
