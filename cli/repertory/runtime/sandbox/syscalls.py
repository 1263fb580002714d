"""System calls that confined code has no business with, with their numbers.

The numbers are those of the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h); a test
compares them with libseccomp's.
"""

from __future__ import annotations

from types import MappingProxyType

# name: (x86_64, aarch64); None where an architecture does not have it
NUMBERS = MappingProxyType(
    {
        "accept": (43, 202),
        "accept4": (288, 242),
        "acct": (163, 89),
        "add_key": (248, 217),
        "adjtimex": (159, 171),
        "bind": (49, 200),
        "bpf": (321, 280),
        "chmod": (90, None),
        "chown": (92, None),
        "chroot": (161, 51),
        "clock_adjtime": (305, 266),
        "clock_settime": (227, 112),
        "clone": (56, 220),
        "clone3": (435, 435),
        "connect": (42, 203),
        "delete_module": (176, 106),
        "execve": (59, 221),
        "execveat": (322, 281),
        "fanotify_init": (300, 262),
        "fchmod": (91, 52),
        "fchmodat": (268, 53),
        "fchmodat2": (452, 452),
        "fchown": (93, 55),
        "fchownat": (260, 54),
        "file_setattr": (469, 469),
        "finit_module": (313, 273),
        "fork": (57, None),
        "fremovexattr": (199, 16),
        "fsconfig": (431, 431),
        "fsetxattr": (190, 7),
        "fsmount": (432, 432),
        "fsopen": (430, 430),
        "fspick": (433, 433),
        "futimesat": (261, None),
        "init_module": (175, 105),
        "inotify_add_watch": (254, 27),
        "io_uring_enter": (426, 426),
        "io_uring_register": (427, 427),
        "io_uring_setup": (425, 425),
        "ioctl": (16, 29),
        "ioperm": (173, None),
        "iopl": (172, None),
        "ioprio_set": (251, 30),
        "kcmp": (312, 272),
        "kexec_file_load": (320, 294),
        "kexec_load": (246, 104),
        "keyctl": (250, 219),
        "lchown": (94, None),
        "listen": (50, 201),
        "lookup_dcookie": (212, 18),
        "lremovexattr": (198, 15),
        "lsetxattr": (189, 6),
        "migrate_pages": (256, 238),
        "mknod": (133, None),
        "mknodat": (259, 33),
        "mount": (165, 40),
        "mount_setattr": (442, 442),
        "move_mount": (429, 429),
        "move_pages": (279, 239),
        "mq_open": (240, 180),
        "mq_unlink": (241, 181),
        "msgctl": (71, 187),
        "msgget": (68, 186),
        "msgrcv": (70, 188),
        "msgsnd": (69, 189),
        "name_to_handle_at": (303, 264),
        "open_by_handle_at": (304, 265),
        "open_tree": (428, 428),
        "perf_event_open": (298, 241),
        "personality": (135, 92),
        "pidfd_getfd": (438, 438),
        "pivot_root": (155, 41),
        "prlimit64": (302, 261),
        "process_madvise": (440, 440),
        "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271),
        "ptrace": (101, 117),
        "quotactl": (179, 60),
        "quotactl_fd": (443, 443),
        "reboot": (169, 142),
        "removexattr": (197, 14),
        "removexattrat": (466, 466),
        "request_key": (249, 218),
        "sched_setaffinity": (203, 122),
        "sched_setattr": (314, 274),
        "sched_setparam": (142, 118),
        "sched_setscheduler": (144, 119),
        "semctl": (66, 191),
        "semget": (64, 190),
        "semop": (65, 193),
        "semtimedop": (220, 192),
        "sendmmsg": (307, 269),
        "sendmsg": (46, 211),
        "sendto": (44, 206),
        "setdomainname": (171, 162),
        "sethostname": (170, 161),
        "setns": (308, 268),
        "setpriority": (141, 140),
        "settimeofday": (164, 170),
        "setxattr": (188, 5),
        "setxattrat": (463, 463),
        "shmat": (30, 196),
        "shmctl": (31, 195),
        "shmget": (29, 194),
        "socket": (41, 198),
        "socketpair": (53, 199),
        "swapoff": (168, 225),
        "swapon": (167, 224),
        "syslog": (103, 116),
        "umount2": (166, 39),
        "unshare": (272, 97),
        "uselib": (134, None),
        "userfaultfd": (323, 282),
        "utime": (132, None),
        "utimensat": (280, 88),
        "utimes": (235, None),
        "vfork": (58, None),
        "vhangup": (153, 58),
    }
)

OTHER_PROCESSES = ("kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace")
ATTACK_SURFACE = ("add_key", "bpf", "fanotify_init", "keyctl", "perf_event_open", "request_key", "userfaultfd")
MOUNTING = (
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "name_to_handle_at",
    "open_by_handle_at", "open_tree", "pivot_root", "umount2",
)  # fmt: skip
NAMESPACES = ("setns", "unshare")
ADMINISTRATION = (
    "acct", "adjtimex", "clock_adjtime", "clock_settime", "delete_module", "finit_module", "init_module", "ioperm", "iopl",
    "kexec_file_load", "kexec_load", "lookup_dcookie", "mknod", "mknodat", "personality", "quotactl", "quotactl_fd", "reboot",
    "setdomainname", "sethostname", "settimeofday", "swapoff", "swapon", "syslog", "uselib", "vhangup",
)  # fmt: skip
REFUSED = (*OTHER_PROCESSES, *ATTACK_SURFACE, *MOUNTING, *NAMESPACES, *ADMINISTRATION)
# "No such call" makes the C library fall back to an older one: clone3 hides its flags in memory, where a filter cannot
# look, and io_uring opens sockets by itself.
ABSENT = ("clone3", "io_uring_enter", "io_uring_register", "io_uring_setup")
EXECUTING = ("execve", "execveat")
SERVING = ("accept", "accept4", "bind", "connect", "listen")
FORKING = ("fork", "vfork")
# What follows matters where the machine is not divided: Landlock does not know of it.
METADATA = (
    "chmod", "chown", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "file_setattr", "fremovexattr", "fsetxattr",
    "futimesat", "lchown", "lremovexattr", "lsetxattr", "removexattr", "removexattrat", "setxattr", "setxattrat", "utime",
    "utimensat", "utimes",
)  # fmt: skip
WATCHING = ("inotify_add_watch",)
SHARED_OBJECTS = (
    "mq_open", "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl",
    "shmget",
)  # fmt: skip
# Each with the places of arguments that mean the caller itself when they are 0.
OF_OTHERS = MappingProxyType(
    {
        "ioprio_set": (1,), "migrate_pages": (0,), "move_pages": (0,), "prlimit64": (0,), "sched_setaffinity": (0,),
        "sched_setattr": (0,), "sched_setparam": (0,), "sched_setscheduler": (0,), "setpriority": (0, 1),
    }
)  # fmt: skip
