# Shared by inventories: the report that docs/recipes.md describes. It reads only, and needs no place to write: what it gathers
# stands in variables. What cannot be told is an error, never an empty list and never "no".

# Lines as a JSON list of strings; of what a name or version never holds nothing is kept.
json_strings() { awk 'NF { gsub(/[\001-\037\\"]/, ""); printf "%s\"%s\"", (n++ ? "," : ""), $0 }'; }

# Lines of `NAME VERSION` as a JSON list of packages.
json_packages() {
  awk 'NF == 2 { gsub(/[\001-\037\\"]/, ""); printf "%s{\"name\":\"%s\",\"version\":\"%s\"}", (n++ ? "," : ""), $1, $2 }'
}

os_release() {
  for file in /etc/os-release /usr/lib/os-release; do
    [ -r "$file" ] || continue
    sed -n "s/^$1=//p" "$file" | tail -n 1 | sed 's/^["'\'']//; s/["'\'']$//' | tr -d '\\"\001-\037'
    return
  done
}

# Releases that could be booted.
kernels() {
  for modules in /lib/modules/*; do
    release=${modules##*/}
    if [ -e "/boot/vmlinuz-$release" ] || [ -e "$modules/vmlinuz" ] || [ -e "/boot/Image-$release" ]; then echo "$release"; fi
  done
}

flavour() { printf '%s\n' "${1##*[-.]}"; }

# Seconds since the epoch at which the system booted.
booted_at() {
  at=$(awk '$1 == "btime" { print $2 }' /proc/stat)
  [ -n "$at" ] || fail 1 "RebootNeedUnknown: /proc/stat does not tell when the system booted"
  echo "$at"
}

# A newer kernel of the running one's flavour waits for a boot. `is_newer A B` is the package manager's.
newer_kernel() {
  running=$(uname -r)
  for release in $(kernels); do
    [ "$(flavour "$release")" = "$(flavour "$running")" ] || continue
    if is_newer "$release" "$running"; then echo "kernel $release"; fi
  done
}

# print_report SCHEME, from list_installed, list_offered (as the tool says it), pick_offered (lines of `NAME VERSION` of that) and reboot_causes.
print_report() {
  packages=$(list_installed) || fail 1 "InventoryFailed: the package database cannot be read"
  offered=$(list_offered) || fail 1 "InventoryFailed: what is on offer cannot be told: $(printf '%s\n' "$offered" | tail -n 1)"
  causes=$(reboot_causes) || exit 1
  required=false
  [ -z "$causes" ] || required=true
  json=$(
    printf '{"osRelease":{"id":"%s","versionId":"%s","prettyName":"%s"},' "$(os_release ID)" "$(os_release VERSION_ID)" "$(os_release PRETTY_NAME)"
    printf '"kernel":{"running":"%s","installed":[%s]},' "$(uname -r)" "$(kernels | json_strings)"
    printf '"packages":{"scheme":"%s","installed":[%s]},' "$1" "$(printf '%s\n' "$packages" | json_packages)"
    printf '"offered":[%s],' "$(printf '%s\n' "$offered" | pick_offered | json_packages)"
    printf '"reboot":{"required":%s,"causes":[%s]}}' "$required" "$(printf '%s\n' "$causes" | json_strings)"
  )
  text=$(printf '%s\n' "$json" | gzip -c | base64 -w 76)
  echo ringward-inventory/v1
  printf '%s\n' "$text"
  echo "ringward-inventory-end sha256:$(printf '%s\n' "$text" | base64 -d | sha256sum | cut -d ' ' -f 1) $(printf '%s\n' "$text" | base64 -d | wc -c)"
}
