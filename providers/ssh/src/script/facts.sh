# Tells what this host is, as far as it says so itself. $1: the index of the records.
facts() {
  while read -r system name release machine; do
    say fact "$1" hostname "$name"
    say fact "$1" kernel "$release"
    say fact "$1" architecture "$machine"
  done <<END
$(uname -snrm)
END
  say fact "$1" user "$(id -un)"
  say fact "$1" cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null)"
  tell_system "$1"
  tell_network "$1"
}
tell_system() {
  for file in /etc/os-release /usr/lib/os-release; do
    [ -r "$file" ] || continue
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in
        ID=* | VERSION_ID=* | PRETTY_NAME=*) say os "$1" "${line%%=*}" "${line#*=}" ;;
      esac
    done <"$file"
    break
  done
  if [ -r /proc/meminfo ]; then
    while read -r name amount unit; do
      [ "$name" != MemTotal: ] || say fact "$1" memory_kibibytes "$amount"
    done </proc/meminfo
  fi
  if [ -r /etc/machine-id ]; then
    IFS= read -r machine </etc/machine-id && say fact "$1" machine_id "$machine"
  fi
  init=
  if [ -d /run/systemd/system ]; then
    init=systemd
  elif [ -e /run/openrc/softlevel ]; then
    init=openrc
  elif [ -r /proc/1/comm ]; then
    IFS= read -r init </proc/1/comm
  fi
  say fact "$1" init "$init"
  for tool in apt-get dnf yum zypper apk pacman; do
    if command -v "$tool" >/dev/null; then
      say fact "$1" package_manager "${tool%-get}"
      break
    fi
  done
}
# Addresses that others can reach, and the ways to everywhere.
tell_network() {
  if command -v ip >/dev/null; then
    while read -r number interface family address rest; do
      [ -z "$address" ] || say address "$1" "$interface" "$family" "$address"
    done <<END
$(ip -o addr show scope global 2>/dev/null)
END
  else
    for address in $(hostname -I 2>/dev/null); do say address "$1" "" "" "$address"; done
  fi
  if [ -r /proc/net/route ]; then
    while read -r interface destination gateway flags references use metric mask rest; do
      [ "$destination$mask" != 0000000000000000 ] || say route "$1" "$interface" inet "$metric"
    done </proc/net/route
  fi
  if [ -r /proc/net/ipv6_route ]; then
    while read -r destination length source source_length next metric references use flags interface; do
      case $destination/$length/$interface in
        */*/lo) ;;
        00000000000000000000000000000000/00/*) say route "$1" "$interface" inet6 "$((0x$metric))" ;;
      esac
    done </proc/net/ipv6_route
  fi
}
