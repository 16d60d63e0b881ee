# Shared by every step: from the job's container, which needs nothing but sh and chroot, into the node's own root.
# Text in these files must not hold two dollar signs in a row, nor a variable's name in dollar and parentheses: Kubernetes expands both.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

say() { printf 'ringward: %s\n' "$*" >&2; }

# fail CODE REASON: MESSAGE: the last line of the log, and the only one of the termination message.
fail() {
  fail_code=$1
  shift
  say "$*"
  [ "${RINGWARD_PLACE-}" != host ] || printf '%s\n' "$*" | cut -c 1-1000 >&3
  exit "$fail_code"
}

enter_host() {
  [ -x /host/bin/sh ] || fail 78 "HostNotMounted: there is no /host/bin/sh"
  exec 3>/dev/null
  if [ -w /dev/termination-log ]; then exec 3>/dev/termination-log; fi
  RINGWARD_PLACE=host
  export RINGWARD_PLACE
  # shellcheck disable=SC2016 # expanded by the other shell
  exec chroot /host /bin/sh -c 'eval "$2"' "$0" "$1" "$2"
}

boot_id() { cat /proc/sys/kernel/random/boot_id; }
