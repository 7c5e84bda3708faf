package live

import (
	"encoding/binary"

	"github.com/roster-go/roster/initwatch/hang"
)

// The states of a goroutine, in the numbers of the runtime.
const (
	statusRunnable = 1
	statusRunning  = 2
	statusSyscall  = 3
	statusWaiting  = 4
	statusScan     = 0x1000 // is added while its stack is looked at
)

// Goroutines lists the goroutines that have not ended, with their calls. The error is a
// [*MissingError] if the program has no debug information.
func (p *Process) Goroutines() ([]hang.Goroutine, error) {
	if p.image.debug == nil {
		return nil, &MissingError{"debug information, for lines and calls: the program was linked with -ldflags=-w, or stripped"}
	}
	const word = 8
	list := p.image.symbols[symAllgs].Value + p.bias
	start, err := p.word(list)
	if err != nil {
		return nil, err
	}
	n, err := p.word(list + word)
	if err != nil {
		return nil, err
	}
	var all []hang.Goroutine
	for i := range min(n, hang.MaxGoroutines) {
		at, err := p.word(start + word*i)
		if err != nil {
			return nil, err
		}
		g := make([]byte, p.image.types.size)
		if err := p.read(at, g); err != nil {
			return nil, err
		}
		if one, ok := p.goroutine(g); ok {
			all = append(all, one)
		}
	}
	return all, nil
}

// goroutine reads one from its struct.
func (p *Process) goroutine(g []byte) (hang.Goroutine, bool) {
	l := p.image.types
	word := func(offset int64) uint64 { return binary.LittleEndian.Uint64(g[offset:]) }
	one := hang.Goroutine{ID: int64(word(l.goid)), CreatorID: int64(word(l.parent))}
	s := stack{low: word(l.stackLow), high: word(l.stackHigh), pc: word(l.schedPC), bp: word(l.schedBP)}
	switch binary.LittleEndian.Uint32(g[l.status:]) &^ statusScan {
	case statusRunnable:
		one.State = "runnable"
	case statusRunning:
		one.State = "running"
		// While inits run, goroutine 1 is bound to the main thread.
		if one.ID != 1 || !p.registers(&s) {
			s.pc = 0
		}
	case statusSyscall:
		one.State = "syscall"
		s.pc, s.bp = word(l.syscallPC), word(l.syscallBP)
	case statusWaiting:
		one.State = p.reason(g[l.reason])
	default:
		return one, false
	}
	one.Frames = p.calls(s)
	if created := word(l.createdBy); created != 0 {
		if f := p.image.frames(created - p.bias - 1); len(f) > 0 {
			one.Creator = f[0]
		}
	}
	return one, true
}

// reason is what a goroutine waits for, in the words of the runtime.
func (p *Process) reason(n byte) string {
	const (
		header  = 16 // of a string: address and length
		length  = 8
		longest = 100
		unknown = "waiting"
	)
	list := p.image.symbols[symReasons]
	if uint64(n)*header >= list.Size {
		return unknown
	}
	at := list.Value + p.bias + uint64(n)*header
	text, err := p.word(at)
	if err != nil {
		return unknown
	}
	size, err := p.word(at + length)
	if err != nil || size > longest {
		return unknown
	}
	buf := make([]byte, size)
	if p.read(text, buf) != nil {
		return unknown
	}
	return string(buf)
}

// A stack is where to begin to read calls.
type stack struct {
	low, high uint64
	pc, bp    uint64
	exact     bool   // pc is of the instruction, not of the one behind a call
	under     uint64 // the return address of a function without a frame, 0 if pc's has one
}

// calls follows the frame pointers: at each stand the caller's and, above it, the return address.
func (p *Process) calls(s stack) []hang.Frame {
	if s.pc == 0 {
		return nil
	}
	var frames []hang.Frame
	add := func(pc uint64) bool {
		frames = append(frames, p.image.frames(pc-p.bias)...)
		return p.image.funcs.PCToFunc(pc-p.bias) != nil && len(frames) < hang.MaxFrames
	}
	if !s.exact {
		s.pc--
	}
	if !add(s.pc) || s.under != 0 && !add(s.under-1) {
		return frames
	}
	const word = 8
	for bp := s.bp; bp >= s.low && bp+2*word <= s.high; {
		next, err := p.word(bp)
		if err != nil {
			break
		}
		back, err := p.word(bp + word)
		if err != nil || back == 0 || !add(back-1) || next <= bp {
			break
		}
		bp = next
	}
	return frames
}
