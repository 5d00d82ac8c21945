# Makes the file $2 hold what $1 does, at once.
put() {
  (umask 022 && mkdir -p -- "${2%/*}") || return 1
  temporary=${2%/*}/.meshform-$nonce
  trap 'rm -f -- "$temporary"' EXIT
  cp -- "$1" "$temporary" && chmod -- "$mode" "$temporary" && sync -- "$temporary" && mv -f -- "$temporary" "$2" || return 1
  [ ! -e /sys/fs/selinux/enforce ] || restorecon -- "$2"
  sync -- "${2%/*}"
}
same() {
  [ -f "$1" ] && [ -f "$2" ] && [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]
}
# Copies the unit's files to the folder $1, which is there whole or not at all. What else is to be known of it, $2, goes to a file there.
put_aside() {
  rm -rf -- "$1.new" && mkdir -p -- "$1.new/d" || return 1
  if [ -f "$file" ]; then cp -- "$file" "$1.new/unit" || return 1; fi
  for path in "$folder"/*.conf; do
    if [ -f "$path" ]; then cp -- "$path" "$1.new/d/" || return 1; fi
  done
  printf '%s\n' "$2" >"$1.new/what" && sync && rm -rf -- "$1" && mv -- "$1.new" "$1"
}
# Makes the unit's files be what the folder $1 says: of the drop-ins, just those named in $2 go if it does not hold them.
bring_back() {
  if [ -f "$1/unit" ]; then
    same "$1/unit" "$file" || put "$1/unit" "$file" || return 1
  elif [ "$has_unit" = 1 ]; then
    rm -f -- "$file" || return 1
  fi
  for entry in $2; do
    if [ -f "$1/d/$entry" ]; then
      same "$1/d/$entry" "$folder/$entry" || put "$1/d/$entry" "$folder/$entry" || return 1
    else
      rm -f -- "$folder/$entry" || return 1
    fi
  done
  rmdir -- "$folder" 2>/dev/null
  sync
}
# Whether there are files with which it ran before an attempt that did not come to its end.
has_previous() {
  [ -f "$memory/previous/what" ] && [ "$(cat -- "$memory/previous/what")" = running ]
}
# Writes what is staged, after what was there before has been put aside: $written.
write_unit() {
  written=0 new=$memory/new
  rm -rf -- "$new" && mkdir -p -- "$new/d" && stage "$new" || { problem=memory && return 1; }
  [ "$has_unit" = 0 ] || same "$new/unit" "$file" || written=1
  for entry in $own; do same "$new/d/$entry" "$folder/$entry" || written=1; done
  for entry in $leaving; do [ ! -e "$folder/$entry" ] || written=1; done
  if [ "$has_unit" = 0 ] && [ "$had_unit" = 1 ] && [ -f "$file" ]; then written=1; fi
  [ "$written" = 1 ] || return 0
  # What an earlier attempt has put aside, which did not come to its end, is what worked.
  if ! has_previous; then
    put_aside "$memory/previous" "$was" || { problem=memory && return 1; }
  fi
  problem=write
  if [ "$has_unit" = 1 ]; then
    same "$new/unit" "$file" || put "$new/unit" "$file" || return 1
  elif [ "$had_unit" = 1 ]; then
    rm -f -- "$file" || return 1
  fi
  for entry in $own; do same "$new/d/$entry" "$folder/$entry" || put "$new/d/$entry" "$folder/$entry" || return 1; done
  for entry in $leaving; do rm -f -- "$folder/$entry" || return 1; done
  [ -z "$leaving" ] || rmdir -- "$folder" 2>/dev/null
  sync
  problem=
}
# Makes it start at boot, or not: $switched.
switch_unit() {
  switched=0
  case $enabled/$enablement in
    1/enabled | 1/alias | 1/indirect | 1/generated | 0/static | 0/disabled | 0/indirect | 0/generated | 0/masked* | 0/) return 0 ;;
    1/*) verb=enable ;;
    0/*) verb=disable ;;
    *) return 0 ;;
  esac
  switched=1
  systemctl "$verb" --no-reload -- "$name" || { problem=enable && return 1; }
}
# What is due to the running unit by $@, which are triples: restart or reload, key, path. $sums: what they stand for in what is there.
weigh_all() {
  due= sums=
  recall
  while [ $# -ge 3 ]; do
    weigh "$2" "$3"
    sums="$sums
$2 $sum $(printf '%s' "$3" | base64 | tr -d '\n')"
    if [ "$running" != "$sum" ]; then
      case $1/$due in
        restart/*) due=restart ;;
        reload/) due=reload ;;
      esac
    fi
    shift 3
  done
}
# Whether it runs, and still does a moment later.
steady() {
  for look in 1 2 3 4; do
    read_unit
    # It may be started again and again by itself.
    runs && [ "${restarts:-0}" = "$restarts_before" ] || return 1
    case $name/$look in
      *.service/4) ;;
      *.service/*) sleep 0.3 || sleep 1 ;;
      *) return 0 ;;
    esac
  done
}
# Asks the check until it succeeds.
checked() {
  [ "$has_check" = 1 ] || return 0
  deadline=$(($(date +%s) + check_seconds))
  while :; do
    left=$((deadline - $(date +%s)))
    [ "$left" -ge 1 ] || return 1
    if words=$(check "$left" 2>&1); then return 0; fi
    sleep 1
  done
}
# Does what is due, and notes what it runs with then: what was measured before it began.
begin() {
  failed=start restarts_before=0
  case $due in
    start | restart)
      systemctl reset-failed -- "$name" 2>/dev/null
      systemctl "$due" -- "$name" || return 1
      ;;
    reload)
      if [ "$can_reload" = yes ]; then restarts_before=${restarts:-0}; fi
      systemctl reload-or-restart -- "$name" || return 1
      ;;
  esac
  if [ -n "$due" ]; then
    steady || return 1
    failed=check
    checked || return 1
  fi
  failed=
  read_unit
}
# Notes that the unit runs with $sums, and keeps what it runs with: the files of the triples $@ that are not its own.
note() {
  printf '%s%s\n' "$run" "$sums" >"$memory/running.new" && sync && mv -f -- "$memory/running.new" "$memory/running" ||
    { problem=memory && return 1; }
  while [ $# -ge 3 ]; do
    case $3 in
      '' | "$file" | "$folder"/*) ;;
      *) keep_good "$3" "$2" "$memory/good" && rm -f -- "$shared_good/$2" ;;
    esac
    shift 3
  done
  rmdir -- "$shared_good" 2>/dev/null
  return 0
}
# Of the files of the triples $@, those with which the unit was not started, and of which it is known with what it was: does $1 with the path,
# a number and the file as it was.
each_worn() {
  deed=$1 number=100
  shift
  recall
  while [ $# -ge 3 ]; do
    number=$((number + 1))
    kept_at=$memory/good/$2
    [ -f "$kept_at" ] || kept_at=$shared_good/$2
    case $3 in
      '' | "$file" | "$folder"/*) ;;
      *)
        weigh "$2" "$3"
        if [ "$running" != "$sum" ] && [ -f "$kept_at" ]; then "$deed" "$3" "$number" "$kept_at" || return 1; fi
        ;;
    esac
    shift 3
  done
}
# What the host needs to give the unit back as it is.
hold_service() {
  if [ "$has_unit$had_unit" != 00 ]; then hold "$file" 0 || return 1; fi
  number=0
  for entry in $own $leaving; do
    number=$((number + 1))
    hold "$folder/$entry" "$number" || return 1
  done
  each_worn hold "$@" || return 1
  {
    echo "name=$name"
    case $enablement in
      enabled) echo 'systemctl enable --no-reload -- "$name"' ;;
      disabled) echo 'systemctl disable --no-reload -- "$name"' ;;
    esac
    echo 'systemctl daemon-reload'
    echo 'systemctl reset-failed -- "$name"'
    if [ "$was" = running ]; then echo 'systemctl restart -- "$name"'; else echo 'systemctl stop -- "$name"'; fi
  } >"$way/then"
}
# Why it does not run: of the units that it needs, the first one that has failed by itself.
explain() {
  if [ "$failed" = check ]; then
    printf '%s\n' "The check says: $words"
  fi
  cause=$name depth=0
  while [ "$depth" -lt 5 ] && ! systemctl -q is-failed -- "$cause"; do
    depth=$((depth + 1)) next=
    for needed in $(systemctl show -p Requires,Requisite,BindsTo --value -- "$cause"); do
      if systemctl -q is-failed -- "$needed"; then next=$needed; fi
    done
    [ -n "$next" ] || break
    cause=$next
  done
  what=$(systemctl show -p Result -p ExecMainStatus -- "$cause" | sort -r | sed 's/.*=//' | tr '\n' :)
  [ "$failed" != load ] || systemctl show -p LoadError -- "$cause"
  run=$(systemctl show -p InvocationID -- "$cause")
  run=${run#*=}
  if [ "$quiet" = 1 ]; then
    :
  elif [ -n "$run" ]; then
    journalctl "_SYSTEMD_INVOCATION_ID=$run" + "INVOCATION_ID=$run" -n 12 --no-pager -o cat -q
  else
    journalctl -u "$cause" -n 12 --no-pager -o cat -q
  fi
}
mark_worn() {
  worn="$worn${3##*/} "
}
# Gives back those files of the triples $@ that were marked before the unit was started.
give_all_back() {
  while [ $# -ge 3 ]; do
    case $worn in
      *" $2 "*)
        kept_at=$memory/good/$2
        [ -f "$kept_at" ] || kept_at=$shared_good/$2
        same "$kept_at" "$3" || give_back "$3" 0 "$kept_at" || return 1
        ;;
    esac
    shift 3
  done
}
# Makes the file $1 what $3 is, as its owner has it.
give_back() {
  temporary=${1%/*}/.meshform-$nonce
  trap 'rm -f -- "$temporary"' EXIT
  if [ -f "$1" ]; then cp -a -- "$1" "$temporary"; fi
  cat -- "$3" >"$temporary" && mv -f -- "$temporary" "$1" && echo "$1 is again what it was when $name ran."
}
# Gives the unit the files back with which it ran: $back.
go_back() {
  back=none
  if has_previous; then
    back=failed
    bring_back "$memory/previous" "$own $leaving" && systemctl daemon-reload || return 0
  elif [ "$worn" = ' ' ] || [ "$was" != running ]; then
    return 0
  fi
  back=failed
  give_all_back "$@" || return 0
  weigh_all "$@"
  due=restart
  begin || return 0
  note "$@" && rm -rf -- "$memory/previous" "$memory/new"
  back=done
  # All is as it was: there is nothing to go back to.
  [ "$confirm_seconds" = 0 ] || disarm
  return 0
}
# What was there before we came, once. $1: whether what was put aside in an earlier life is replaced.
remember_first() {
  [ "$1" = 1 ] || [ ! -d "$memory/before" ] || return 0
  put_aside "$memory/before" "$enablement $was"
}
# $@: triples: what is due by it, key, path.
make_service() {
  find_service "$name"
  (umask 077 && mkdir -p -- "$memory") || { problem=memory && return 1; }
  read_unit
  was=stopped
  if runs; then was=running; fi
  case $load/$enabled$state in
    masked/1* | masked/*running) problem=masked && return 1 ;;
  esac
  if [ -L "$file" ] && [ "$has_unit" = 1 ]; then
    problem=link
    return 1
  fi
  case $first in
    1 | if_missing) remember_first "$first" || { problem=memory && return 1; } ;;
  esac
  if [ "$confirm_seconds" != 0 ]; then
    arm "$((change_seconds + confirm_seconds))" hold_service "$@" || { problem=unarmed && return 1; }
  fi
  work_on_service "$@"
  worked=$?
  [ -z "$armed" ] || extend "$confirm_seconds"
  return "$worked"
}
work_on_service() {
  write_unit || return 1
  read_unit
  case $load/$has_unit in
    not-found/0) problem=missing && return 1 ;;
  esac
  switch_unit || return 1
  if [ "$written$switched" != 00 ] || [ "$stale" = yes ]; then
    systemctl daemon-reload || { problem=reload && return 1; }
    read_unit
  fi
  due= failed=
  case $load in
    loaded | masked) ;;
    *) failed=load ;;
  esac
  run_unit "$@"
}
run_unit() {
  if [ "$state" = stopped ]; then
    if runs || [ "$active" = activating ]; then
      systemctl stop -- "$name" || { problem=stop && return 1; }
    fi
    rm -rf -- "$memory/running" "$memory/previous" "$memory/new"
    return 0
  fi
  weigh_all "$@"
  if ! runs; then
    due=
    if [ "$state" = running ]; then due=start; fi
  fi
  # A start makes all that is there what it runs with: what it ran with has to be known before.
  worn=' '
  each_worn mark_worn "$@"
  if [ -z "$failed" ] && begin; then
    if runs; then note "$@" || return 1; fi
    rm -rf -- "$memory/previous" "$memory/new"
    return 0
  fi
  explain >&2
  reason=$failed:$what cause_first=$cause
  go_back "$@" >&2
  problem="$reason$back:$cause_first"
  return 1
}
# $1: remove or restore, $2: whether it was there before we came.
unmake_service() {
  find_service "$name"
  read_unit
  was=stopped
  if runs; then was=running; fi
  below=0
  for place in /usr/lib /lib /run /usr/local/lib; do
    if [ -e "$place/systemd/system/$name" ]; then below=1; fi
  done
  if [ "$1" = restore ] && [ -d "$memory/before" ]; then
    restore_unit
    return
  fi
  if { [ "$has_unit" = 1 ] && [ "$below" = 0 ]; } || [ "$2" = 0 ]; then
    if [ "$load" != not-found ]; then
      systemctl disable --now -- "$name" || systemctl stop -- "$name" || { problem=stop && return 1; }
    fi
    was=stopped
  fi
  take_files && settle
}
take_files() {
  problem=write
  if [ "$has_unit" = 1 ] && [ ! -L "$file" ]; then rm -f -- "$file" || return 1; fi
  for entry in $own; do rm -f -- "$folder/$entry" || return 1; done
  rmdir -- "$folder" 2>/dev/null
  problem=
}
# Lets systemd see what is left; what goes on running, runs with that.
settle() {
  systemctl daemon-reload || { problem=reload && return 1; }
  if [ "$was" = running ]; then
    systemctl restart -- "$name" || { problem=stop && return 1; }
  else
    systemctl reset-failed -- "$name" 2>/dev/null
  fi
  forget
}
restore_unit() {
  read -r enablement_before was_before <"$memory/before/what"
  case $enablement_before in
    running | stopped) was_before=$enablement_before enablement_before= ;;
  esac
  if [ "$was_before" != running ] && [ "$was" = running ]; then
    systemctl stop -- "$name" || { problem=stop && return 1; }
  fi
  case $enablement_before/$enablement in
    enabled*/enabled*) ;;
    */enabled*) systemctl disable --no-reload -- "$name" || { problem=enable && return 1; } ;;
  esac
  bring_back "$memory/before" "$own" || { problem=write && return 1; }
  case $enablement_before/$enablement in
    enabled*/enabled*) ;;
    enabled*/*) systemctl enable --no-reload -- "$name" || { problem=enable && return 1; } ;;
  esac
  was=$was_before
  settle
}
forget() {
  rm -rf -- "$memory"
  rmdir -- "${memory%/*}" "${memory%/service/*}" 2>/dev/null
  return 0
}
