#!/bin/sh
# The source archive: everything under version control and web/dist, whose STAMP says what it was built from.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
name=frontdesk-$version
[ -f web/dist/STAMP ] || { echo "web/dist is not built; run 'make release' first." >&2; exit 1; }
mkdir -p target
git archive --prefix="$name/" -o "target/$name.tar" HEAD
tar --append --file "target/$name.tar" --transform "s,^,$name/," --owner=0 --group=0 --numeric-owner \
    --mtime="@$(git log -1 --format=%ct)" --sort=name web/dist
gzip -9 -n -f "target/$name.tar"
echo "target/$name.tar.gz"
