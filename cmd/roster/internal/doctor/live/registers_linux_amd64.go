package live

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const (
	ptraceSeize     = 0x4206
	ptraceInterrupt = 0x4207
	eventStop       = 128 // that it was interrupted
)

// registers stops the main thread for as long as it takes to read its registers. It reports false if
// the thread is not on the goroutine's stack, or cannot be traced.
func (p *Process) registers(s *stack) bool {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	if !p.trace(ptraceSeize, 0) {
		return false
	}
	defer p.release()
	const attempts = 20
	for range attempts {
		regs, ok := p.stopped()
		if !ok {
			return false
		}
		if regs.Rsp >= s.low && regs.Rsp < s.high {
			s.pc, s.bp, s.exact = regs.Rip, regs.Rbp, true
			if p.frameless(regs.Rip) {
				s.under, _ = p.word(regs.Rsp)
			}
			return true
		}
		if !p.trace(syscall.PTRACE_CONT, 0) {
			return false
		}
		time.Sleep(time.Millisecond) // it was in the kernel or on the scheduler's stack
	}
	return false
}

// release lets the thread run on as it did. It has to stand for that, unless it has ended.
func (p *Process) release() {
	const limit = 5 * time.Second
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if syscall.PtraceDetach(p.pid) == nil || syscall.Kill(p.pid, 0) != nil {
			return
		}
		_ = p.trace(ptraceInterrupt, 0) // it fails if the thread has ended
	}
}

func (p *Process) trace(request, data uintptr) bool {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, request, uintptr(p.pid), 0, data, 0, 0)
	return errno == 0
}

// stopped stops the main thread and reads its registers. A signal that comes meanwhile is passed on.
func (p *Process) stopped() (syscall.PtraceRegs, bool) {
	var regs syscall.PtraceRegs
	if !p.trace(ptraceInterrupt, 0) {
		return regs, false
	}
	const limit = time.Second
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		signal, event, ok := p.stop()
		if !ok {
			time.Sleep(50 * time.Microsecond) // it is on its way
			continue
		}
		if event == eventStop {
			return regs, syscall.PtraceGetRegs(p.pid, &regs) == nil
		}
		// The runtime preempts by signals.
		if !p.trace(syscall.PTRACE_CONT, uintptr(signal)) {
			return regs, false
		}
	}
	return regs, false
}

// stop asks whether the main thread has stopped, and why. It does not take the end of the process from
// whoever waits for that, as wait4 would.
func (p *Process) stop() (signal, event int32, ok bool) {
	const (
		byPID     = 1
		stops     = 2
		noHang    = 1
		wall      = 0x40000000
		pidAt     = 16
		statusAt  = 24
		eventBits = 8
	)
	var info [128]byte
	_, _, errno := syscall.RawSyscall6(syscall.SYS_WAITID, byPID, uintptr(p.pid),
		uintptr(unsafe.Pointer(&info)), stops|noHang|wall, 0, 0) //nolint:gosec // a siginfo of the kernel has 128 bytes
	if errno != 0 || binary.LittleEndian.Uint32(info[pidAt:]) == 0 {
		return 0, 0, false
	}
	status := int32(binary.LittleEndian.Uint32(info[statusAt:]))
	return status & (1<<eventBits - 1), status >> eventBits, true
}

// frameless reports whether a function keeps the frame pointer of its caller, or has not set its own yet.
func (p *Process) frameless(pc uint64) bool {
	f := p.image.funcs.PCToFunc(pc - p.bias)
	if f == nil {
		return false
	}
	const prologue = 64
	code := make([]byte, min(prologue, f.End-f.Entry))
	if p.read(f.Entry+p.bias, code) != nil {
		return false
	}
	set := []byte{0x55, 0x48, 0x89, 0xe5} // push rbp; mov rbp, rsp
	at := bytes.Index(code, set)
	return at < 0 || pc-p.bias < f.Entry+uint64(at+len(set))
}
