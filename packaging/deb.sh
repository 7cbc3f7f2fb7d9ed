#!/bin/sh
# Builds a Debian package of a binary: packaging/deb.sh [BINARY] [FOLDER]
# Needs dpkg-deb; the files are owned by root without being root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
binary=${1:-$root/target/release/frontdesk}
folder=${2:-$root/target/deb}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
architecture=$(dpkg --print-architecture)
tree=$folder/frontdesk_${version}_$architecture

[ -x "$binary" ] || { echo "There is no binary at $binary; run 'make release' first." >&2; exit 1; }
rm -rf "$tree"
install -D -m 0755 "$binary" "$tree/usr/bin/frontdesk"
install -D -m 0644 "$here/frontdesk.service" "$tree/usr/lib/systemd/system/frontdesk.service"
install -D -m 0644 "$here/frontdesk.sysusers" "$tree/usr/lib/sysusers.d/frontdesk.conf"
install -D -m 0644 "$here/frontdesk.tmpfiles" "$tree/usr/lib/tmpfiles.d/frontdesk.conf"
install -D -m 0640 "$root/config.example.toml" "$tree/etc/frontdesk/config.toml"
install -D -m 0644 "$root/LICENSE" "$tree/usr/share/doc/frontdesk/copyright"
[ ! -f "$root/README.md" ] || install -D -m 0644 "$root/README.md" "$tree/usr/share/doc/frontdesk/README.md"

mkdir "$tree/DEBIAN"
size=$(du -sk "$tree" | cut -f1)
cat > "$tree/DEBIAN/control" <<END
Package: frontdesk
Version: $version
Architecture: $architecture
Maintainer: The Frontdesk developers <frontdesk@localhost>
Installed-Size: $size
Depends: libc6 (>= 2.36), libgcc-s1, ca-certificates, systemd
Section: mail
Priority: optional
Description: shared inbox of a team in one binary
 Receives e-mail, keeps it, and lets several people answer it together
 in the browser, without stepping on each other's toes.
END
echo /etc/frontdesk/config.toml > "$tree/DEBIAN/conffiles"
cat > "$tree/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    systemd-sysusers frontdesk.conf
    systemd-tmpfiles --create frontdesk.conf
    chgrp frontdesk /etc/frontdesk/config.toml
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        if [ -n "${2:-}" ]; then
            systemctl try-restart frontdesk.service
        else
            echo "Frontdesk is installed. Start it with: systemctl enable --now frontdesk"
        fi
    fi
fi
END
cat > "$tree/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now frontdesk.service || true
fi
END
chmod 0755 "$tree/DEBIAN/postinst" "$tree/DEBIAN/prerm"
dpkg-deb --root-owner-group --build "$tree" "$tree.deb"
