# Alpine, by apk; OpenRC, not systemd. PREVIEW: run against fakes only. apk installs a package as it is read: there is no `stage`.

# No transient units here: the work leaves the job's cgroup, which dies with the job, by itself. Where it cannot, it does not begin.
detach() {
  rm -f "$DIR/detached"
  # shellcheck disable=SC2016 # expanded by the other shell
  setsid sh -c 'echo 0 >/sys/fs/cgroup/cgroup.procs || exit 1; echo yes >"$0"; exec "$@"' "$DIR/detached" "$@" </dev/null &
  tries=0
  while [ ! -f "$DIR/detached" ] && [ "$tries" -lt 5 ]; do
    sleep 1
    tries=$((tries + 1))
  done
  [ -f "$DIR/detached" ] || { echo "the work cannot leave the job's cgroup (unified cgroups are needed)"; return 1; }
}

# `6.6.54-0-lts`, as uname prints it, is 6.6.54-r0 of linux-lts.
apk_version() { printf '%s\n' "$1" | sed 's/^\([0-9.]*\)-\([0-9]*\)-[a-z]*$/\1-r\2/'; }

at_least() {
  order=$(apk version -t "$(apk_version "$1")" "$(apk_version "$2")")
  case $order in
  '>' | '=') ;;
  '<') return 1 ;;
  *) fail 1 "VersionNotRead: apk does not compare $1 with $2" ;;
  esac
}

upstream_of() { printf '%s\n' "$1" | sed 's/-r[0-9]*$//'; }

installed() { apk list -I "$1" 2>/dev/null | awk '{ print $1 }' | sed -n "s/^$(printf '%s' "$1" | sed 's/[.+]/[&]/g')-\([0-9][^-]*-r[0-9]*\)\$/\1/p" | head -n 1; }

# One kernel of a flavour is installed at a time, and goes by its flavour: /boot/vmlinuz-lts.
kernels() {
  for modules in /lib/modules/*; do
    release=${modules##*/}
    if [ -e "/boot/vmlinuz-$(flavour "$release")" ]; then echo "$release"; fi
  done
}

kernel_wanted() { echo "linux-$(flavour "$1") exact $(apk_version "$1")"; }

is_locked() { grep -q 'Unable to lock database' "$2"; }

# The world of before stands beside until it is put back.
repair() {
  [ ! -f "$STATE/world" ] || mv "$STATE/world" /etc/apk/world || fail 1 "CannotWrite: /etc/apk/world"
}

places() { echo fresh; }

# That one of the repositories could not be read is told in words only.
open_place() {
  mirrors=""
  [ -z "${RINGWARD_SOURCE_MIRROR-}" ] || mirrors="--repository $RINGWARD_SOURCE_MIRROR"
  # shellcheck disable=SC2086 # words
  patiently apk $mirrors update >"$DIR/updated"
  code=$?
  cat "$DIR/updated" >&2
  if [ "$code" -ne 0 ] || grep -qE '[1-9][0-9]* (unavailable|stale)|^(ERROR|WARNING):' "$DIR/updated"; then return 1; fi
  : >"$DIR/offers"
  while read -r name _; do
    # shellcheck disable=SC2086 # words
    apk $mirrors policy "$name" >"$DIR/policy" 2>&1 </dev/null || return 1
    awk -v name="$name" '/^  [^ ]/ { version = $1; sub(/:$/, "", version) } /^    / && !/lib\/apk\/db\/installed/ { print name, version }' "$DIR/policy"
  done <"$DIR/plan" | sort -u >"$DIR/offers"
}

# `NAME=VERSION` as apk takes it.
pick() {
  picked=""
  # shellcheck disable=SC2013 # versions are words
  for version in $(awk -v name="$1" '$1 == name { print $2 }' "$DIR/offers"); do
    case $2 in
    exact) [ "$version" = "$3" ] || continue ;;
    upstream) [ "$(upstream_of "$version")" = "$3" ] || continue ;;
    esac
    if [ -z "$picked" ] || at_least "$version" "$picked"; then picked=$version; fi
  done
  [ -z "$picked" ] || echo "$1=$picked"
}

# What apk would do is asked first: whatever removes a package is not done.
fetch() {
  # shellcheck disable=SC2046,SC2086 # words
  patiently apk $mirrors add --simulate $(cat "$DIR/picked") >"$DIR/simulated" || { cat "$DIR/simulated" >&2; return 1; }
  ! grep -q ' Purging ' "$DIR/simulated" || fail 1 "WouldRemove: $(grep ' Purging ' "$DIR/simulated" | head -n 1)"
}

# apk writes the versions that it was asked for into the world, which would hold them there: it is put back as it was.
install() {
  shift
  cp -p /etc/apk/world "$STATE/world.new" && mv "$STATE/world.new" "$STATE/world" || return 1
  # shellcheck disable=SC2086 # words
  patiently apk $mirrors add "$@"
  code=$?
  repair
  return "$code"
}

restart_services() {
  while read -r name _; do
    case $name in kubelet | containerd) unit=$name ;; cri-o) unit=crio ;; *) continue ;; esac
    say "restarting $unit"
    rc-service --ifstarted "$unit" restart </dev/null || fail 1 "RestartFailed: $unit"
  done <"$DIR/plan"
}
