# Builds a private root and becomes the first process of its namespaces.
#
# Runs under `unshare` in new mount, UTS, IPC and PID namespaces (and, for an ordinary user, in a user namespace).
# Arguments: the folder with the root's own files, an empty folder to mount on, the host's name; then what goes wrong
# on purpose: `full:PATH`, a full file system; `read-only:PATH`.
# Answers one line, `READY PID`, with its process id as the machine sees it. Ends when its standard input closes.
set -eu
umask 022
root=$1
stage=$2
name=$3
shift 3

# The machine's /proc is still mounted, so this is the process id outside.
read -r pid _ </proc/self/stat

# A mount that a user namespace inherited keeps its flags: a remount that doesn't repeat them is refused.
read_only() {
	mount -o remount,bind,ro "$1" 2>/dev/null ||
		mount -o "remount,bind,$(findmnt -n -o VFS-OPTIONS "$1" | sed 's/^rw/ro/')" "$1"
}

# Without --rbind what is mounted below stays out of the root; a user namespace may not leave it out.
share_read_only() {
	mount --bind "$1" "$2" 2>/dev/null || mount --rbind "$1" "$2"
	read_only "$2"
}

mount --bind "$root" "$stage"
share_read_only /usr "$stage/usr"
mount --bind "$root/usr/local" "$stage/usr/local"
for folder in bin sbin lib lib32 lib64 libx32; do
	if [ -d "/$folder" ] && [ ! -L "/$folder" ]; then
		share_read_only "/$folder" "$stage/$folder"
	fi
done

mount -t tmpfs -o mode=0755,nosuid,size=64m tmpfs "$stage/dev"
for device in null zero full random urandom tty; do
	: >"$stage/dev/$device"
	mount --bind "/dev/$device" "$stage/dev/$device"
done
mkdir "$stage/dev/pts" "$stage/dev/shm"
chmod 1777 "$stage/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$stage/dev/pts"
ln -s pts/ptmx "$stage/dev/ptmx"
ln -s /proc/self/fd "$stage/dev/fd"
ln -s /proc/self/fd/0 "$stage/dev/stdin"
ln -s /proc/self/fd/1 "$stage/dev/stdout"
ln -s /proc/self/fd/2 "$stage/dev/stderr"

mount -t proc -o nosuid,nodev,noexec proc "$stage/proc"
for knob in sys sysrq-trigger irq bus fs; do
	if [ -e "$stage/proc/$knob" ]; then
		mount --bind "$stage/proc/$knob" "$stage/proc/$knob"
		read_only "$stage/proc/$knob"
	fi
done

# What's in /run ends with the processes: for the host this is a boot, so it has an id of its own.
mount -t tmpfs -o mode=0755,nosuid,nodev,size=64m tmpfs "$stage/run"
mkdir -m 1777 "$stage/run/lock"
# What the machine runs containers with is not the host's: it has its own, or none.
for tool in docker podman nerdctl; do
	if [ -e "$stage/usr/bin/$tool" ]; then mount --bind "$stage/dev/null" "$stage/usr/bin/$tool"; fi
done
cat /proc/sys/kernel/random/uuid >"$stage/run/boot_id"
chmod 444 "$stage/run/boot_id"
mount --bind "$stage/run/boot_id" "$stage/proc/sys/kernel/random/boot_id"
rm "$stage/run/boot_id"

for fault in "$@"; do
	path=$stage${fault#*:}
	case $fault in
	full:*)
		mkdir -p "$path"
		mount -t tmpfs -o mode=0755,nosuid,nodev,size=4k tmpfs "$path"
		head -c 4096 /dev/zero >"$path/.full" || true
		;;
	read-only:*)
		if [ -e "$path" ]; then
			mount --bind "$path" "$path"
			read_only "$path"
		fi
		;;
	esac
done

cd "$stage"
mkdir -p .machine
pivot_root . .machine
cd /
umount -l /.machine
rmdir /.machine
hostname "$name"

echo "READY $pid"
# With SIGCHLD ignored the kernel reaps the orphans that this process adopts.
exec env --ignore-signal=CHLD cat >/dev/null 2>&1
