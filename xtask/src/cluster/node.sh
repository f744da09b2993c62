# The beginning of a node, in new namespaces of its own for mounts, processes and names: what it
# mounts nobody else sees, and all of it is gone with the last of its processes.
# Arguments: name of the namespace, name of the node, directory for its /var, directory of programs.
set -eu
namespace=$1 node=$2 var=$3 tools=$4
echo "$node" >/proc/sys/kernel/hostname

# This network's interfaces below /sys/class/net; control groups stay the machine's.
mkdir -p "$var/cgroup"
mount --rbind /sys/fs/cgroup "$var/cgroup"
umount --recursive --lazy /sys
mount -t sysfs sysfs /sys
mount --move "$var/cgroup" /sys/fs/cgroup
# Programs and maps that one node pins are not another's.
mount -t bpf bpf /sys/fs/bpf

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/tools /run/lock /run/netns
mount --bind "$tools" /run/tools
mount --bind "$var" /var
# Volumes of pods follow mounts made later.
mount --make-rshared /

exec /run/tools/pause "$namespace"
