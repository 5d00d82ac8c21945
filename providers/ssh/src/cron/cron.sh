# Tells what a file of cron's holds. $1: index, $2: its name.
see_cron() {
  file=/etc/cron.d/$2
  if [ -f "$file" ]; then
    stats=$(stat -L -c '%a	%u' -- "$file") && held=$(base64 <"$file" | tr -d '\n') || stats=
    if [ -n "$stats" ]; then say cron "$1" "$stats" "$held"; else say unreadable "$1"; fi
  elif [ -e "$file" ]; then
    say other "$1"
  else
    say absent "$1"
  fi
}
# $1: name, $2: mode, $3: the user, $4: whether what is there is put aside. `content` prints what it is to hold.
make_cron() {
  command -v cron >/dev/null || command -v crond >/dev/null || { problem=daemon && return 1; }
  id -- "$3" >/dev/null 2>&1 || { problem=user && return 1; }
  if [ "$4" = 1 ]; then put_aside "/etc/cron.d/$1" || return 1; fi
  [ -d /etc/cron.d ] || (umask 022 && mkdir -p /etc/cron.d) || return 1
  content | put_file "/etc/cron.d/$1" "$2"
}
# $1: name, $2: remove, restore or keep.
unmake_cron() {
  if [ "$2" = keep ]; then forget_aside "/etc/cron.d/$1"; else give_back "/etc/cron.d/$1" "$2"; fi
}
