# What dnf would upgrade, from the metadata that the node has (dnf-makecache keeps it fresh); with REFRESH=yes and a writable host asked anew.
list_offered() {
  flags="-q --setopt=skip_if_unavailable=0 --setopt=*.skip_if_unavailable=0"
  # shellcheck disable=SC2086 # words
  if [ "${REFRESH-}" = yes ]; then dnf $flags --refresh makecache 2>&1 || return 1; fi
  find_scratch
  mkdir -p "$SCRATCH/cache" || return 1
  for file in /var/cache/dnf/*; do
    case $file in *.pid | *.json | *'*') ;; *) ln -s "$file" "$SCRATCH/cache" || return 1 ;; esac
  done
  # shellcheck disable=SC2086 # words
  dnf $flags -C --setopt="logdir=$SCRATCH/log" --setopt="cachedir=$SCRATCH/cache" --setopt="persistdir=$SCRATCH/persist" \
    repoquery --upgrades --latest-limit=1 --qf 'offer %{name} %{epoch}:%{version}-%{release}' 2>&1
}

pick_offered() { awk '$1 == "offer" && NF == 3 { sub(/^0:/, "", $3); print $2, $3 }' | sort -u; }
