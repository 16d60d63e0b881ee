# Shared by dnf and zypper: what of the level rpm's database lacks, kernels, and the lock of others.

# Of lines, each a version.
newest() { best_of is_newer; }
oldest() { best_of is_older; }
is_older() { is_newer "$2" "$1"; }
best_of() {
  read -r found || return 0
  while read -r other; do
    ! "$1" "$other" "$found" || found=$other
  done
  printf '%s\n' "$found"
}

# Of an interrupted upgrade both versions are there: the older counts. Kernels are installed beside each other: the newest.
installed() {
  rpm -q "$1" >/dev/null 2>&1 || return 0
  case $1 in
  kernel | kernel-*) rpm -q --qf "$EVR\n" "$1" | newest ;;
  *) rpm -q --qf "$EVR\n" "$1" | oldest ;;
  esac
}

# Names of the plan that an interrupted transaction left in two versions.
doubled() {
  while read -r name _; do
    case $name in kernel | kernel-*) continue ;; esac
    [ -z "$(rpm -q --qf '%{ARCH}\n' "$name" | sort | uniq -d)" ] || echo "$name"
  done <"$DIR/plan"
}

# The package of the running kernel, and those that go with it, at the version of the wanted one.
kernel_wanted() {
  [ "$RINGWARD_STEP" != rollback ] || fail 1 "KernelRollbackNotPossible: $1 is not installed any more"
  running=$(uname -r)
  owner=$(rpm -qf --qf "%{NAME} $EVR\n" "/lib/modules/$running/vmlinuz" 2>/dev/null || rpm -qf --qf "%{NAME} $EVR\n" "/boot/vmlinuz-$running" 2>/dev/null) ||
    fail 1 "KernelNotPackaged: no package owns the running kernel $running"
  stem=${owner%% *}
  stem=${stem%-core}
  rpm -qa --qf "%{NAME} $EVR\n" | sort -u | while read -r name evr; do
    [ "$evr" = "${owner##* }" ] || continue
    case $name in
    "$stem"-tools* | "$stem"-headers | "$stem"-doc | "$stem"-source | "$stem"-macros | "$stem"-abi*) ;;
    "$stem" | "$stem"-*) echo "$name starts $(kernel_version "$1")" ;;
    esac
  done
}

# rpm waits for the lock of another transaction for ever, and so would dnf and zypper. 201 while somebody holds it.
rpm_is_free() {
  lock=$(rpm --eval '%{?_rpmlock_path}')
  [ -n "$lock" ] || lock=$(rpm --eval '%{_dbpath}')/.rpm.lock
  if [ ! -e "$lock" ] || ! grep -q ":$(stat -c %i "$lock") " /proc/locks; then return 0; fi
  echo "the lock $lock of rpm is held"
  return 201
}

# The newest of the lines `NAME EVR ARCH` in $DIR/offers that fits, once for each architecture that is installed.
pick_newest() {
  best=$(while read -r _ evr _; do ! fits "$2" "$3" "$evr" || echo "$evr"; done <"$DIR/offers" | newest)
  [ -n "$best" ] || return 0
  arches=$(rpm -q --qf '%{ARCH}\n' "$1" | sort -u)
  named=
  for arch in $arches; do
    grep -qxF "$1 $best $arch" "$DIR/offers" || continue
    spec "$1" "$best" "$arch"
    named=yes
  done
  [ -n "$named" ] || spec "$1" "$best" ""
}
