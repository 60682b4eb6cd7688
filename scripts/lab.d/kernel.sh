# Kernels of the lab, prepared once and kept in .cache/lab. Sourced by scripts/lab.
#
# Each kernel has a folder with what booting it takes:
#
#   qemu-VERSION/   vmlinuz, initramfs.gz   Debian's own kernel, the one customers run
#   uml-VERSION/                            user-mode Linux: its binary is /usr/bin/linux.uml
#   …/lib/modules/VERSION/                  modules and their index, for `modprobe -d`

# Folders under lib/modules/VERSION/kernel that the lab can use. The rest (sound, graphics, storage:
# 300 MB) would only fill every clone's cache.
readonly kernel_module_folders='arch crypto lib net drivers/net drivers/virtio drivers/char fs/9p fs/netfs fs/fscache fs/overlayfs fs/fuse'

# What the initramfs loads to reach the host's files, in this order.
readonly initramfs_modules='virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p'

# kernel_prepare qemu|uml: prints the kernel's folder, after making it if it is not there.
kernel_prepare() {
    mkdir -p "$lab_cache"
    # Two runs that start together must not both unpack.
    exec {kernel_lock}>"$lab_cache/lock"
    flock "$kernel_lock"
    "kernel_prepare_$1"
    exec {kernel_lock}>&-
}

kernel_prepare_uml() {
    local modules version folder
    modules=$(compgen -G '/usr/lib/uml/modules/[0-9]*' | head -n 1) ||
        fail "no user-mode Linux modules in /usr/lib/uml/modules; run scripts/install-packages"
    version=${modules##*/}
    folder=$lab_cache/uml-$version
    # modprobe -d wants its own layout; a link to the package's modules is that layout.
    mkdir -p "$folder/lib/modules"
    ln -sfn "$modules" "$folder/lib/modules/$version"
    printf '%s\n' "$folder"
}

kernel_prepare_qemu() {
    local package version folder work newest
    # linux-image-amd64 is an empty package that depends on the current kernel.
    package=$(apt-cache depends linux-image-amd64 2>/dev/null |
        sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)$/\1/p' | head -n 1) || true
    if [[ -z $package ]]; then
        # Without package lists (offline, say) a kernel unpacked before serves as well.
        newest=$(compgen -G "$lab_cache/qemu-*/initramfs.gz" | sort -V | tail -n 1) ||
            fail "apt knows no linux-image-amd64, so there is no kernel to boot; run: apt-get update"
        printf '%s\n' "${newest%/*}"
        return
    fi
    version=${package#linux-image-}
    folder=$lab_cache/qemu-$version
    if [[ ! -e $folder/initramfs.gz ]]; then
        printf 'lab: unpacking %s into %s (once)\n' "$package" "${folder#"$lab_root"/}" >&2
        work=$(mktemp -d "$lab_cache/unpack.XXXXXX")
        kernel_unpack "$package" "$version" "$work" >&2 || {
            rm -rf "$work"
            newest=$(compgen -G "$lab_cache/qemu-*/initramfs.gz" | sort -V | tail -n 1) || true
            [[ -n $newest ]] ||
                fail "cannot prepare $package; the reason is above (a stale package list? run: apt-get update)"
            printf 'lab: cannot prepare %s; going on with %s\n' "$package" "${newest%/*}" >&2
            printf '%s\n' "${newest%/*}"
            return
        }
        # A rename is what makes the folder complete or absent, never half there.
        rm -rf "$folder"
        mv "$work/kernel" "$folder"
        rm -rf "$work"
    fi
    printf '%s\n' "$folder"
}

# kernel_unpack PACKAGE VERSION WORK: leaves WORK/kernel.
kernel_unpack() (
    set -e
    package=$1 version=$2 work=$3
    cd "$work"
    # As root apt would hand the download to user _apt, who may not write here.
    apt-get download -q -o APT::Sandbox::User="$(id -un)" "$package"
    dpkg -x "$package"_*.deb tree
    mkdir -p kernel/lib/modules/"$version"/kernel
    cp tree/boot/vmlinuz-"$version" kernel/vmlinuz
    for part in $kernel_module_folders; do
        [[ -d tree/lib/modules/$version/kernel/$part ]] || continue
        mkdir -p kernel/lib/modules/"$version"/kernel/"${part%/*}"
        cp -r tree/lib/modules/"$version"/kernel/"$part" kernel/lib/modules/"$version"/kernel/"${part%"${part##*/}"}"
    done
    rm -rf kernel/lib/modules/"$version"/kernel/drivers/net/{ethernet,wireless}
    cp tree/lib/modules/"$version"/modules.{builtin,builtin.modinfo,order} kernel/lib/modules/"$version"
    depmod -b kernel "$version"

    mkdir -p initramfs/{bin,modules,proc,dev,root}
    cp /bin/busybox initramfs/bin/busybox
    cp "$lab_folder/initramfs-init" initramfs/init
    chmod 755 initramfs/init
    number=10
    for module in $initramfs_modules; do
        file=$(find kernel/lib/modules/"$version" -name "$module.ko" -print -quit)
        # A module that is not there is built in; one that is needed and missing stops the boot, loudly.
        [[ -z $file ]] || cp "$file" "initramfs/modules/$number-$module.ko"
        number=$((number + 1))
    done
    (cd initramfs && find . | cpio --quiet -o -H newc | gzip -1) >kernel/initramfs.gz
)
