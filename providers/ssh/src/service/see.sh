# Where units lie that are not a package's.
units=/etc/systemd/system
# The places of the unit $1: what is remembered of it lies where only root can read.
find_service() {
  name=$1 file=$units/$1 folder=$units/$1.d memory=/var/lib/meshform/service/$1
  shared_good=/var/lib/meshform/good
}
# What systemd says of the unit $name.
read_unit() {
  load= active= sub= enablement= stale= can_reload= kind= remains= result= code= status= restarts= run= since= entered=
  while IFS= read -r line; do
    value=${line#*=}
    case $line in
      LoadState=*) load=$value ;;
      ActiveState=*) active=$value ;;
      SubState=*) sub=$value ;;
      UnitFileState=*) enablement=$value ;;
      NeedDaemonReload=*) stale=$value ;;
      CanReload=*) can_reload=$value ;;
      Type=*) kind=$value ;;
      RemainAfterExit=*) remains=$value ;;
      Result=*) result=$value ;;
      ExecMainCode=*) code=$value ;;
      ExecMainStatus=*) status=$value ;;
      NRestarts=*) restarts=$value ;;
      InvocationID=*) run=$value ;;
      InactiveExitTimestamp=*) since=$value ;;
      ActiveEnterTimestampMonotonic=*) entered=$value ;;
    esac
  done <<END
$(TZ=UTC systemctl show -p LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,CanReload,Type,RemainAfterExit \
    -p Result,ExecMainCode,ExecMainStatus,NRestarts,InvocationID,InactiveExitTimestamp,ActiveEnterTimestampMonotonic -- "$name")
END
  if [ -z "$run" ]; then
    # An old systemd does not name its runs.
    read -r boot </proc/sys/kernel/random/boot_id
    run=$boot:$entered
  fi
  started=
  [ -z "$since" ] || started=$(date -d "$since" +%s 2>/dev/null)
}
runs() {
  case $active in
    active | reloading | refreshing) ;;
    activating) [ "$sub" != auto-restart ] ;;
    *) return 1 ;;
  esac
}
# What was noted at the last start: the number of that run, then keys with what they stood for, and paths.
recall() {
  noted= noted_run=
  if [ -f "$memory/running" ]; then
    noted="
$(cat -- "$memory/running")
" && noted_run=${noted#?} && noted_run=${noted_run%%
*}
  fi
}
# Measures what lies at $1: its hash $sum, and the second $changed of its last change.
measure() {
  changed=0
  if [ -d "$1" ]; then
    sum=$(find -L "$1/." -type f -exec sha256sum -- {} + | sort | sha256sum)
    changed=$(find -L "$1/." -exec stat -L -c %Z -- {} + | sort -n | tail -n 1)
  elif [ -f "$1" ]; then
    sum=$(sha256sum <"$1") && changed=$(stat -L -c %Z -- "$1") || sum=unreadable
  else
    sum=absent
  fi
  sum=${sum%% *}
  if [ -L "$1" ]; then
    link=$(stat -c %Z -- "$1") && [ "$link" -le "$changed" ] || changed=$link
  fi
}
# What the running unit was started with, $running, and what is there now, $sum, of the path $2, or of a version if that is empty. $1: its
# key. What was noted at the start of this very run counts; else, what has not changed since it began. A version is known by notes only.
weigh() {
  stamp=
  case $noted in
    *"
$1 "*)
      stamp=${noted#*"
$1 "}
      stamp=${stamp%%
*}
      stamp=${stamp%% *}
      ;;
  esac
  if [ -z "$2" ]; then
    sum=- running=${stamp:-${noted:+other}} running=${running:-unknown}
    return 0
  fi
  measure "$2"
  if [ -n "$stamp" ] && [ "$noted_run" = "$run" ]; then
    running=$stamp
  elif [ "$sum" = absent ] || { [ -n "$started" ] && [ "$changed" -lt "$started" ]; }; then
    running=$sum
  else
    running=older
  fi
}
# What proves that the file $1 is what it was: of a secret one, no hash.
proof() {
  case $secret in
    1) stat -c 'time:%i:%z' -- "$1" ;;
    *) sha256sum <"$1" ;;
  esac
}
encoded() {
  base64 <"$1" | tr -d '\n'
}
# Tells what a unit is. $1: index, $2: unit, $3: whether its files are secret, $4: how many names of drop-ins follow; then keys and paths.
see_service() {
  index=$1 secret=$3 own=$4
  find_service "$2"
  shift 4
  found=0
  if [ -f "$file" ] && [ ! -L "$file" ]; then
    say unit "$index" "$(proof "$file")"
    found=1
  fi
  while [ "$own" -gt 0 ]; do
    if [ -f "$folder/$1" ]; then
      say drop_in "$index" "$own" "$(proof "$folder/$1")"
      found=1
    fi
    own=$((own - 1))
    shift
  done
  [ "$found" = 1 ] || say absent "$index"
  if [ ! -d /run/systemd/system ] || ! command -v systemctl >/dev/null; then
    say also "$index" no_systemd
    return 0
  elif [ "$(id -u)" != 0 ]; then
    say also "$index" no_root
    return 0
  fi
  read_unit
  say also "$index" state "$load" "$active" "$sub" "$enablement" "$stale" "$can_reload" "$kind" "$remains" "$since"
  say also "$index" failure "$result" "$code" "$status"
  if [ -L "$file" ]; then
    say also "$index" link "$(readlink -- "$file" | base64 | tr -d '\n')"
  elif [ -f "$file" ]; then
    say also "$index" file "" "$(encoded "$file")"
  fi
  for path in "$folder"/*.conf; do
    [ -f "$path" ] || continue
    say also "$index" file "$(printf '%s' "${path##*/}" | base64 | tr -d '\n')" "$(encoded "$path")"
  done
  runs || return 0
  recall
  weighed=' '
  while [ $# -ge 2 ]; do
    weigh_one "$1" "$2"
    shift 2
  done
  # What it was started with is of interest, too, where its path is not known yet to those who ask.
  while read -r noted_key hash path; do
    case $weighed in
      *" $noted_key "*) ;;
      *) [ -z "$hash" ] || weigh_one "$noted_key" "$(printf '%s' "$path" | base64 -d)" ;;
    esac
  done <<END
$noted
END
}
weigh_one() {
  weighed="$weighed$1 "
  weigh "$1" "$2"
  say also "$index" with "$1" "$running" "$sum"
}
