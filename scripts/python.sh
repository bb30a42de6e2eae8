# Sourced by the other scripts: sets $python to an interpreter that Flowapp can run on, or ends with one clear line.
python=
for candidate in "${FLOWAPP_PYTHON:-python3}" python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
    # an interpreter that was asked for by name is not silently replaced
    [ -z "${FLOWAPP_PYTHON:-}" ] || break
done
if [ -z "$python" ]; then
    found=$("${FLOWAPP_PYTHON:-python3}" -V 2>/dev/null) || found="no Python"
    echo "flowapp: Python 3.11 or newer is needed, ${found} was found. Install it, or set FLOWAPP_PYTHON to one." >&2
    exit 1
fi
