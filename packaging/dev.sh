#!/bin/sh
# The server without embedded pages and Vite in front of it; both end together.
set -eu
cd "$(dirname "$0")/.."
[ -d web/node_modules ] || (cd web && npm ci --ignore-scripts --no-audit --no-fund)
SKIP_WEB=1 cargo build
SKIP_WEB=1 cargo run -- serve --data "${DATA:-./data}" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT INT TERM
cd web
npm run dev
