#!/bin/bash
# What people write before they look for a program: for each binary of the manifest ask for its md5, compare, and replace the
# file where it differs.
# Reads API, BIN_DIR, BIN_MANIFESTS, SUPERVISOR_CONF and CURL_OPTIONS (words) from its environment.
set -eu -o pipefail
jq -r '.binaries[] | "\(.name) \(.service // "")"' "$BIN_MANIFESTS" | while read -r name service; do
  # shellcheck disable=SC2086
  wanted=$(curl -fsS $CURL_OPTIONS "$API/releases/latest/$name/md5" | jq -r .data.md5)
  installed=$(md5sum "$BIN_DIR/$name" | cut -d ' ' -f 1)
  [ "$wanted" = "$installed" ] && continue
  # shellcheck disable=SC2086
  curl -fsS $CURL_OPTIONS -o "$BIN_DIR/$name.new" "$API/releases/latest/$name/download"
  [ "$(md5sum "$BIN_DIR/$name.new" | cut -d ' ' -f 1)" = "$wanted" ] || exit 1
  chmod 755 "$BIN_DIR/$name.new"
  sync "$BIN_DIR/$name.new"
  mv "$BIN_DIR/$name.new" "$BIN_DIR/$name"
  [ -z "$service" ] || supervisorctl -c "$SUPERVISOR_CONF" restart "$service" >/dev/null
done
