# Tells what the units of a timer hold, and whether it runs. $1: index, $2: its name, $3: when it is to run.
see_timer() {
  if ! command -v systemctl >/dev/null || [ ! -d /run/systemd/system ]; then
    say unmanaged "$1"
    return 0
  fi
  if [ -n "$3" ] && command -v systemd-analyze >/dev/null && ! systemd-analyze calendar -- "$3" >/dev/null 2>&1; then
    say also_calendar "$1" refused
  fi
  units=/etc/systemd/system
  if [ ! -f "$units/$2.timer" ]; then
    say absent "$1"
    return 0
  fi
  for end in timer service env; do
    if [ -f "$units/$2.$end" ]; then
      say "$end" "$1" "$(base64 <"$units/$2.$end" | tr -d '\n')"
    fi
  done
  if [ -f "$units/$2.env" ]; then say mode "$1" "$(stat -c %a -- "$units/$2.env")"; fi
  say state "$1" "$(systemctl is-enabled -- "$2.timer" 2>/dev/null)" "$(systemctl is-active -- "$2.timer" 2>/dev/null)" \
    "$(systemctl show -p NeedDaemonReload --value -- "$2.timer" "$2.service" | tr -d '\n')"
}
# $1: name, $2: when it is to run, $3: the user, $4: whether it is to be active. `timer`, `service` and `variables` print what the files
# are to hold; the last one nothing where there are no variables.
make_timer() {
  if command -v systemd-analyze >/dev/null; then
    systemd-analyze calendar -- "$2" >/dev/null || { problem=calendar && return 1; }
  fi
  id -- "$3" >/dev/null 2>&1 || { problem=user && return 1; }
  units=/etc/systemd/system
  if [ -n "$(variables | head -c 1)" ]; then
    variables | put_file "$units/$1.env" 600 || return 1
  else
    rm -f -- "$units/$1.env"
  fi
  service | put_file "$units/$1.service" 644 && timer | put_file "$units/$1.timer" 644 || return 1
  systemctl daemon-reload || return 1
  problem=start
  if [ "$4" = 1 ]; then
    systemctl -q enable -- "$1.timer" && systemctl restart -- "$1.timer"
  else
    systemctl -q disable --now -- "$1.timer"
  fi
}
# $1: name. What it has started meanwhile goes on to its end.
unmake_timer() {
  units=/etc/systemd/system
  if [ -f "$units/$1.timer" ]; then systemctl -q disable --now -- "$1.timer" || return 1; fi
  rm -f -- "$units/$1.timer" "$units/$1.service" "$units/$1.env" "/var/lib/systemd/timers/stamp-$1.timer"
  systemctl daemon-reload && systemctl reset-failed -- "$1.timer" "$1.service" 2>/dev/null
  return 0
}
