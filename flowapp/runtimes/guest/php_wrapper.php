<?php
// Calls the cell's function with the arguments of args.json; its result goes to result.json, its error to error.json.

function flowapp_fail(string $name, string $message, ?int $line = null, ?string $stack = null): never
{
    $found = array_filter(['name' => $name, 'message' => $message, 'line' => $line, 'stack' => $stack], fn($part) => $part !== null);
    file_put_contents('error.json', json_encode($found, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_UNICODE));
    exit(0);
}

/** The line of the cell that an error went through last. */
function flowapp_line(Throwable $error): ?int
{
    if (basename($error->getFile()) === 'cell.php') {
        return $error->getLine();
    }
    foreach ($error->getTrace() as $frame) {
        if (basename($frame['file'] ?? '') === 'cell.php') {
            return $frame['line'];
        }
    }
    return null;
}

/** @return array<string, mixed> the arguments by the names of the parameters */
function flowapp_arguments(ReflectionFunction $function, array $given): array
{
    $taken = [];
    foreach ($function->getParameters() as $parameter) {
        $name = $parameter->getName();
        if ($parameter->isVariadic()) {
            continue;
        }
        if (isset($given[$name])) {
            $type = $parameter->getType();
            $isObject = $type instanceof ReflectionNamedType && in_array($type->getName(), ['object', 'stdClass'], true);
            $taken[$name] = $isObject ? (object) $given[$name] : $given[$name];
        } elseif (!$parameter->isDefaultValueAvailable()) {
            $taken[$name] = null;
        }
    }
    return $taken;
}

(function (string $entry): void {
    try {
        require 'cell.php';
        if (!function_exists($entry)) {
            flowapp_fail('ExecutionErr', "There is no function `$entry` in this cell. Write: function $entry(\$x) { ... }");
        }
        $function = new ReflectionFunction($entry);
        $given = json_decode(file_get_contents('args.json'), true, 512, JSON_THROW_ON_ERROR);
        $result = $function->invokeArgs(flowapp_arguments($function, $given));
        $flags = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION | JSON_THROW_ON_ERROR;
        try {
            file_put_contents('result.json', json_encode($result, $flags));
        } catch (JsonException $error) {
            flowapp_fail('ExecutionErr', 'The result cannot be kept as JSON: ' . $error->getMessage());
        }
    } catch (Throwable $error) {
        flowapp_fail(get_class($error), $error->getMessage(), flowapp_line($error), $error->getTraceAsString());
    }
})($argv[1]);
