# What zypper would update, from the metadata that the node has; with REFRESH=yes and a writable host asked anew.
list_offered() {
  if [ "${REFRESH-}" = yes ]; then zypper --non-interactive refresh 2>&1 || return 1; fi
  find_scratch
  mkdir -p "$SCRATCH/run" "$SCRATCH/solv" || return 1
  # What zypper knows of the sources is the node's; of what is installed it writes down anew what it finds.
  for folder in /var/cache/zypp/solv/*; do
    case $folder in */@System | *'*') ;; *) ln -s "$folder" "$SCRATCH/solv" || return 1 ;; esac
  done
  if ! answer=$(ZYPP_LOCKFILE_ROOT=$SCRATCH zypper --non-interactive --no-refresh --xmlout --solv-cache-dir "$SCRATCH/solv" list-updates 2>&1); then
    printf '%s\n' "$answer" | sed 's/<[^>]*>//g' | grep .
    return 1
  fi
  printf '%s\n' "$answer"
}

pick_offered() {
  sed 's/<update /\n&/g' | sed -n 's/^<update kind="package" name="\([^"]*\)" edition="\([^"]*\)".*/\1 \2/p' | sort -u
}
