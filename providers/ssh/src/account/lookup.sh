# One entry of /etc/passwd or /etc/group, or of where else the host knows users from. $1: passwd or group, $2: name.
lookup() {
  if command -v getent >/dev/null; then
    getent "$1" "$2"
    return
  fi
  while IFS= read -r entry || [ -n "$entry" ]; do
    case $entry in
      "$2":*)
        printf '%s\n' "$entry"
        return 0
        ;;
    esac
  done <"/etc/$1"
  return 2
}
# Tells that there is such a user or group. $1: index, $2: passwd or group, $3: name.
see_known() {
  if lookup "$2" "$3" >/dev/null; then say known "$@"; fi
}
