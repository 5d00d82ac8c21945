# Where a reboot that was begun is remembered. $1: its key.
marker() {
  printf '/var/lib/meshform/reboot-%s' "$1"
}
boot_id() {
  cat /proc/sys/kernel/random/boot_id
}
# Tells which boot this is, and what asks for another one. $1: index, $2: key.
see_reboot() {
  say boot "$1" "$(boot_id)"
  for run in /run /var/run; do
    if [ -e "$run/reboot-required" ]; then
      say required "$1" "$(sort -u "$run/reboot-required.pkgs" 2>/dev/null | tr '\n\t' '  ')"
      break
    fi
  done
  if command -v needs-restarting >/dev/null && ! needs-restarting -r >/dev/null 2>&1; then
    say required "$1" ""
  fi
  newest=$(newest_kernel)
  if [ -n "$newest" ] && [ "$newest" != "$(uname -r)" ]; then say kernel "$1" "$(uname -r)" "$newest"; fi
  if [ -f "$(marker "$2")" ]; then
    read -r boot hash <"$(marker "$2")"
    say marker "$1" "$boot" "$hash"
  fi
}
# The newest installed kernel of the running one's kind, if the running one is among them: where it comes from elsewhere, such as from the
# machine that runs a virtual one, no reboot changes it.
newest_kernel() {
  running=$(uname -r)
  kind=$(kind_of "$running")
  for kernel in /boot/vmlinuz-*; do
    kernel=${kernel#/boot/vmlinuz-}
    case $kernel in *rescue* | *.old | '*') continue ;; esac
    if [ "$(kind_of "$kernel")" = "$kind" ]; then printf '%s\n' "$kernel"; fi
  done | sort -V | {
    found= last=
    while IFS= read -r kernel; do
      [ "$kernel" != "$running" ] || found=1
      last=$kernel
    done
    [ -z "$found" ] || printf '%s' "$last"
  }
}
# What a kernel's name has behind its numbers, such as -amd64 or -cloud-amd64.
kind_of() {
  printf '%s\n' "$1" | sed -e 's/^[0-9][^-]*//' -e 's/^-[0-9][^-]*//'
}
# $1: key, $2: the boot that was reviewed, `over` if it was seen then that nothing is left to do, or nothing, $3: the hash of its triggers.
# Answers `begun`, or `over` if another boot has come.
begin_reboot() {
  if [ -z "$2" ] && [ -f "$(marker "$1")" ]; then
    read -r boot hash <"$(marker "$1")"
    if [ "$boot" != "$(boot_id)" ] && [ "$hash" = "$3" ]; then
      say over 0 "$(boot_id)"
      return 0
    fi
  fi
  if [ -n "$2" ] && [ "$2" != "$(boot_id)" ]; then
    say over 0 "$(boot_id)"
    return 0
  fi
  if [ "$(id -u)" != 0 ]; then
    say refused 0
    return 0
  fi
  (umask 077 && mkdir -p /var/lib/meshform) && printf '%s %s\n' "$(boot_id)" "$3" >"$(marker "$1")" || fail marker
  sync
  if [ -d /run/systemd/system ]; then
    systemctl reboot >&2
  else
    reboot >&2
  fi
  code=$?
  if [ "$code" != 0 ]; then
    rm -f -- "$(marker "$1")"
    say refused 0
  else
    say begun 0 "$(boot_id)"
  fi
}
# Tells which boot this is, and whether it has come to its end.
see_boot() {
  state=running
  if [ -d /run/systemd/system ]; then state=$(systemctl is-system-running 2>/dev/null); fi
  say boot 0 "$(boot_id)" "$state"
}
# $1: key.
end_reboot() {
  rm -f -- "$(marker "$1")"
  rmdir /var/lib/meshform 2>/dev/null
  newest=$(newest_kernel)
  say done 0 "$(uname -r)" "$newest"
}
