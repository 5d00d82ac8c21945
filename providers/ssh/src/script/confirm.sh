# Where the way back of $key lies, as long as a change of it is not confirmed.
find_way() {
  if [ "$(id -u)" = 0 ]; then
    kept=/var/lib/meshform
  else
    kept=$HOME/.local/state/meshform
  fi
  way=$kept/confirm/$key good=$kept/good
}
# Puts what lies at $1 into the way back, as its entry $2; or, if that is given, what lies at $3.
hold() {
  mkdir -p -- "$way/files/$2" || return 1
  # What a link leads to counts. The line feed that ends readlink's output, and no other, is taken off.
  held=$1
  if [ -L "$1" ]; then
    held=$(readlink -f -- "$1" && printf .) || return 1
    held=${held%??}
  fi
  printf '%s' "$held" >"$way/files/$2/where" || return 1
  [ -f "$1" ] || return 0
  stat -L -c '%a %u:%g' -- "$1" >"$way/files/$2/facts" && cp -- "${3:-$1}" "$way/files/$2/content"
}
# Keeps what lies at $1, up to 1 MiB of it, under the key $2: whoever reads it may need it back.
keep_good() {
  if [ -f "$1" ] && [ "$(stat -L -c %s -- "$1")" -le "$content_limit" ]; then
    mkdir -p -- "$3" && cp -- "$1" "$3/$2.new" && mv -f -- "$3/$2.new" "$3/$2"
  fi
}
# From now on the host goes back in $1 seconds.
extend() {
  printf '%s\n' "$(($(date +%s) + $1))" >"$way/armed.new" && mv -f -- "$way/armed.new" "$way/armed"
}
# Lets the host go back by itself in $1 seconds, by what the command that follows puts into the way back. A way back that is armed already
# is that of a change that nobody has confirmed: it stays.
arm() {
  find_way
  seconds=$1
  shift
  if [ -f "$way/armed" ]; then
    extend "$seconds" && armed=1
    return
  fi
  rm -rf -- "$way" "$way.reverted"
  mkdir -p -- "$way/files" && "$@" && put_watch && extend "$seconds" && sync || return 1
  if [ ! -d /run/systemd/system ] || ! systemd-run -q --collect --description="Takes a change back unless it is confirmed" /bin/sh "$way/watch" "$way"; then
    (setsid /bin/sh "$way/watch" "$way" >/dev/null 2>&1 &) || return 1
  fi
  armed=1
}
disarm() {
  find_way
  mv -- "$way/armed" "$way/confirmed" 2>/dev/null || return 1
  rm -rf -- "$way"
  rmdir -- "${way%/*}" "$kept" 2>/dev/null
  armed=
}
# Only who moves the file `armed` away decides what becomes of the change.
put_watch() {
  cat >"$way/watch" <<'WATCH'
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 077
trap '' HUP
while [ -f "$1/armed" ] && read -r deadline <"$1/armed" && [ "$(date +%s)" -lt "${deadline:-0}" ]; do sleep 1; done
mv -- "$1/armed" "$1/reverting" 2>/dev/null || exit 0
for entry in "$1"/files/*; do
  [ -f "$entry/where" ] || continue
  path=$(cat -- "$entry/where" && printf .)
  path=${path%.}
  if [ -f "$entry/content" ]; then
    read -r mode owner <"$entry/facts"
    temporary=${path%/*}/.meshform-back-$$
    [ ! -f "$path" ] || cp -a -- "$path" "$temporary"
    cat -- "$entry/content" >"$temporary" && chown -- "$owner" "$temporary" && chmod -- "$mode" "$temporary" &&
      mv -f -- "$temporary" "$path" || cat -- "$entry/content" >"$path"
    rm -f -- "$temporary"
  else
    rm -f -- "$path"
  fi
done
sync
[ ! -f "$1/then" ] || /bin/sh "$1/then" </dev/null >/dev/null 2>&1
mv -- "$1" "$1.reverted"
WATCH
}
