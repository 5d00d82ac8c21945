PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077
count=0
# Writes one record: its kind, the index of the thing it tells about, and fields without tabs and line feeds.
say() {
  count=$((count + 1))
  printf '%s' "$1"
  shift
  printf '\t%s' "$@"
  printf '\n'
}
# Only this record proves that the answer is whole.
finish() {
  printf 'END\t%s\t%s\n' "$nonce" "$count"
  exit 0
}
fail() {
  say fail 0 "$@"
  finish
}
# What stat tells about a file: permissions, owner, size, links, and what changes with every change.
facts='%a	%u	%g	%U	%G	%s	%h	%i	%z'
