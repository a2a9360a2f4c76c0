#!/usr/bin/env bash
# Runs a program on two "machines": network namespaces of this one, joined by veth through a third, whose link is slow and
# loses frames. As root.
#   usage: scripts/distributed-netns.sh [-d MS] [-l PERCENT] [-r MBIT] [-n RANKS] PROGRAM [argument ...]
# -d: delay each way (default 2), -l: frames lost (default 1); both 0: one veth, without the third namespace; -r: bits that a machine may send per second (default: no limit),
# -n: ranks, which take turns on the machines (default 2). NORMA_SENT=1 prints how many bytes each machine sent. Ends with 77
# where no such machines can be made.
set -euo pipefail
cd "$(dirname "$0")/.."

delay=2 loss=1 rate="" ranks=2
while getopts d:l:r:n: option; do
  case $option in
    d) delay=$OPTARG ;;
    l) loss=$OPTARG ;;
    r) rate=$OPTARG ;;
    n) ranks=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { sed -n 's/^# *usage: /usage: /p; s/^#   usage: /usage: /p' "$0"; exit 2; }
for tool in ip tc unshare mpirun python3; do
  command -v $tool >/dev/null || { echo "$tool is missing (Debian: iproute2, util-linux, openmpi-bin, python3)"; exit 77; }
done

name=norma$$ folder=$(mktemp -d) link_pid=""
# shellcheck disable=SC2317  # called by the trap
finish() {
  if [ -n "$link_pid" ]; then kill "$link_pid" 2>/dev/null || true; fi
  for space in a b link; do ip netns delete "$name-$space" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap finish EXIT

# Two machines, and what joins them.
for space in a b link; do
  ip netns add "$name-$space" || exit 77
  ip netns exec "$name-$space" ip link set lo up
done
# No checksum may be left to a network card: there is none.
checksums='
import fcntl, socket, struct, sys
control = socket.socket()
for command in (0x17, 0x1f, 0x24):  # ETHTOOL_STXCSUM, STSO, SGSO
    value = struct.pack("II", command, 0)
    buffer = __import__("array").array("B", value)
    fcntl.ioctl(control, 0x8946, struct.pack("16sP", sys.argv[1].encode(), buffer.buffer_info()[0]))'
if [ "$delay $loss" = "0 0" ]; then
  ip link add eth-a netns "$name-a" type veth peer name eth-b netns "$name-b"
else
  for machine in a b; do
    ip link add "eth-$machine" netns "$name-$machine" type veth peer name "to-$machine" netns "$name-link"
    ip netns exec "$name-link" ip link set "to-$machine" up
    ip netns exec "$name-$machine" python3 -c "$checksums" "eth-$machine"
  done
  ip netns exec "$name-link" python3 scripts/lib-lossy-link.py to-a to-b "$delay" "$loss" &
  link_pid=$!
fi
address=1
for machine in a b; do
  inside=(ip netns exec "$name-$machine")
  "${inside[@]}" ip address add "10.99.0.$address/24" dev "eth-$machine"
  "${inside[@]}" ip link set "eth-$machine" up
  if [ -n "$rate" ]; then
    "${inside[@]}" tc qdisc add dev "eth-$machine" root tbf rate "${rate}mbit" burst 70kb latency 50ms
  fi
  address=2
done

# Open MPI starts the second machine's ranks by this instead of ssh; each machine has a host name of its own.
cat >"$folder/agent" <<AGENT
#!/bin/sh
shift
exec ip netns exec $name-b unshare --uts sh -c 'hostname machine-b; exec sh -c "\$*"' sh "\$@"
AGENT
chmod +x "$folder/agent"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_hwloc_base_binding_policy=none NORMA_NUM_THREADS="${NORMA_NUM_THREADS:-1}"
status=0
# shellcheck disable=SC2016  # for the inner shell
ip netns exec "$name-a" unshare --uts sh -c 'hostname machine-a; exec "$@"' sh \
  mpirun -n "$ranks" --host "10.99.0.1:$ranks,10.99.0.2:$ranks" --map-by node --mca plm_rsh_agent "$folder/agent" \
  --mca btl self,tcp --mca btl_tcp_if_include 10.99.0.0/24 --mca oob_tcp_if_include 10.99.0.0/24 \
  -x NORMA_NUM_THREADS "$@" || status=$?
if [ -n "${NORMA_SENT:-}" ]; then
  for machine in a b; do
    echo "machine $machine sent $(ip netns exec "$name-$machine" cat "/sys/class/net/eth-$machine/statistics/tx_bytes") bytes"
  done
fi
exit $status
