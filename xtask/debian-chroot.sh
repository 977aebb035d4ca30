#!/usr/bin/env bash
# Proves the promise for a machine that has Debian's package archive and no rustup: in a fresh minimal Debian with gcc and
# Debian's cargo, a clone of this repository gets through `cargo xtask demo` and `cargo xtask test`.
#
# usage: xtask/debian-chroot.sh FOLDER [COMMAND...]      needs root and debootstrap
# COMMAND replaces the two; KEEP=1 leaves the folder for a look. A container would need a registry, this needs a mirror.
# The host's apt sources, certificates, names and proxy variables are copied, because they are how a network is reached.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
folder=$1
shift
root=$folder/root
suite=${SUITE:-bookworm}
mirror=${MIRROR:-$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\(http[^ ]*\).*/\2/p' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1 || true)}
step() { echo "== $* [$SECONDS s]"; }

unmount() {
    for place in proc dev; do
        if mountpoint -q "$root/$place"; then umount -R "$root/$place"; fi
    done
}
finish() {
    unmount
    if [ -z "${KEEP:-}" ]; then rm -rf --one-file-system "$root"; fi
}
trap finish EXIT

unmount
rm -rf --one-file-system "$root"
mkdir -p "$folder"
if [ ! -e "$folder/base.tar" ]; then
    step "debootstrap $suite from $mirror"
    rm -rf --one-file-system "$folder/base"
    debootstrap --variant=minbase "$suite" "$folder/base" "$mirror" >"$folder/debootstrap.log"
    tar -C "$folder/base" -cf "$folder/base.tar.part" .
    mv "$folder/base.tar.part" "$folder/base.tar"
    rm -rf --one-file-system "$folder/base"
fi
mkdir -p "$root"
tar -C "$root" -xf "$folder/base.tar"

step "the host's way to the network"
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/apt/sources.list.d/debian.sources /etc/apt/auth.conf.d \
    /etc/apt/apt.conf.d /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates; do
    if [ -e "$file" ]; then
        mkdir -p "$root$(dirname "$file")"
        cp -RL "$file" "$root$(dirname "$file")/"
    fi
done
rm -f "$root/etc/apt/apt.conf.d/docker-clean" "$root/etc/apt/apt.conf.d/"*packagekit* "$root/etc/apt/apt.conf.d/"*appstream*
if [ -e "$root/etc/apt/sources.list.d/debian.sources" ]; then rm -f "$root/etc/apt/sources.list"; fi
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"

step "a clone of what is committed"
git clone --quiet --no-hardlinks "$here" "$root/src/keepmum"
git -C "$root/src/keepmum" log -1 --format='%h %s'

inside() {
    local passed=(HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_CERT PIP_DEFAULT_TIMEOUT \
        SSL_CERT_FILE CARGO_HTTP_CAINFO CI; do
        if [ -n "${!name:-}" ]; then passed+=("$name=${!name}"); fi
    done
    chroot "$root" env -i "${passed[@]}" bash -c "cd /src/keepmum && $1"
}

step "gcc and Debian's cargo: all that this machine has"
inside 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends gcc libc6-dev cargo-web ca-certificates' \
    >"$folder/apt.log" 2>&1 || { tail -n 20 "$folder/apt.log"; exit 1; }
inside 'cargo --version; ! command -v rustup'

if [ $# -gt 0 ]; then
    inside "$*"
else
    step "cargo xtask demo"
    inside 'cargo xtask demo'
    step "cargo xtask demo, once built"
    inside 'cargo xtask demo'
    step "cargo xtask demo --envoy --for 5"
    inside 'cargo xtask demo --envoy --for 5'
    step "cargo xtask test"
    inside 'cargo xtask test'
fi
step "passed"
