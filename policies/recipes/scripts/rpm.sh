# Shared by dnf and zypper: what rpm's own database says. Versions are [EPOCH:]VERSION-RELEASE, an epoch of 0 is not written.
EVR='%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}'

epoch_of() { case $1 in *:*) printf '%s\n' "${1%%:*}" ;; *) echo 0 ;; esac }
upstream_of() { printf '%s\n' "$1" | sed 's/^[0-9]*://; s/-[^-]*$//'; }
release_of() { case $1 in *-*) printf '%s\n' "${1##*-}" ;; esac }

# order A B: -1, 0 or 1, as rpm itself compares them; releases only where both have one.
order() {
  case $1$2 in *[!A-Za-z0-9._:~^+-]*) fail 1 "VersionNotRead: \"$1\" or \"$2\" is no version of rpm" ;; esac
  release_a=$(release_of "$1")
  release_b=$(release_of "$2")
  [ -n "$release_a" ] || release_b=
  [ -n "$release_b" ] || release_a=
  rpm --eval "%{lua:
    local pairs = {{'$(epoch_of "$1")', '$(epoch_of "$2")'}, {'$(upstream_of "$1")', '$(upstream_of "$2")'}, {'0$release_a', '0$release_b'}}
    for _, pair in ipairs(pairs) do
      local order = rpm.vercmp(pair[1], pair[2])
      if order ~= 0 then print(order) return end
    end
    print(0)}"
}

at_least() { case $(order "$1" "$2") in 0 | 1) ;; *) return 1 ;; esac }
is_newer() { [ "$(order "$1" "$2")" = 1 ]; }
