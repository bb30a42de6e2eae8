# The SHA-256 of a text, as 64 hexadecimal digits.
text="$1"
printf '%s' "$text" | sha256sum | cut -d ' ' -f 1
