# Debian and Ubuntu: what dpkg has, what apt would upgrade, and whether a reboot is due.
SCHEME=dpkg

is_newer() { dpkg --compare-versions "$1" gt "$2"; }

# Half of an interrupted installation is the version from before, so that it is never taken for done and never for absent.
list_installed() {
  # shellcheck disable=SC2016 # dpkg's own fields
  dpkg-query -W -f='${db:Status-Status} ${Package} ${Version} ${Config-Version}\n' | awk '
    $1 == "installed" || $1 ~ /^triggers-/ { print $2, $3 }
    $1 == "unpacked" || $1 ~ /^half-/ { print $2, ($4 == "" ? "0~interrupted" : $4) }' | sort
}

# With REFRESH=yes and a writable host the package lists are fetched first; else they are as old as the node's own timers make them.
# After an interrupted dpkg nothing can be offered until it is repaired, which the next update does.
list_offered() {
  if [ "${REFRESH-}" = yes ]; then apt-get -q -o APT::Update::Error-Mode=any -o Acquire::Retries::Delay=false update || return 1; fi
  [ -z "$(ls /var/lib/dpkg/updates)" ] || return 0
  apt-get -s -q -o Debug::NoLocking=1 --with-new-pkgs upgrade 2>&1
}

pick_offered() { awk '$1 == "Inst" && $3 ~ /^\[/ { sub(/^\(/, "", $4); print $2, $4 }'; }

# /run/reboot-required is written by packages only where update-notifier is; the kernel and what everything runs on are looked at anyway.
reboot_causes() {
  if [ -e /run/reboot-required ]; then
    if [ -s /run/reboot-required.pkgs ]; then sort -u /run/reboot-required.pkgs; else echo /run/reboot-required; fi
  fi
  newer_kernel
  boot=$(booted_at) || return 1
  for name in "linux-image-$(uname -r)" libc6 systemd dbus; do
    for list in /var/lib/dpkg/info/"$name".list /var/lib/dpkg/info/"$name":*.list; do
      [ -e "$list" ] || continue
      if [ "$(stat -c %Y "$list")" -gt "$boot" ]; then echo "$name"; fi
    done
  done | sort -u
}
