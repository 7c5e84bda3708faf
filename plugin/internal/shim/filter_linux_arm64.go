package shim

import "golang.org/x/sys/unix"

const (
	architecture   = unix.AUDIT_ARCH_AARCH64
	foreignNumbers = 1 << 31 // there are none
)

var dangerousHere = []uint32{unix.SYS_NFSSERVCTL}

func call32() int64 { return 0 }

// canCall32 says that there is a 32-bit way; on this architecture it takes another
// program.
const canCall32 = false
