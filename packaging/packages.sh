#!/bin/sh
# Installs the Debian packages named, or says which line would: packaging/packages.sh NAME...
set -eu
command -v dpkg-query >/dev/null || { echo "Not Debian: make sure that you have the like of: $*"; exit 0; }
missing=""
for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $name"
done
[ -n "$missing" ] || exit 0
line="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
    echo "Tests need packages that are not installed. Type this and try again:" >&2
    echo "  sudo sh -c '$line'" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# Their servers are used by tests as programs; none is to be started by being installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 0755 "$policy"
fi
sh -c "$line"
