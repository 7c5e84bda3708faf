package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/roster-go/roster/initwatch/hang"
)

// A Process is a Go program that runs.
type Process struct {
	pid    int
	image  *image
	memory *os.File
	bias   uint64 // what is added to an address of the file
}

// Open reads the executable of a process and gets at its memory. The error is a [*MissingError] if the
// program lacks what is needed.
func Open(pid int) (*Process, error) {
	folder := "/proc/" + strconv.Itoa(pid)
	image, err := openImage(folder + "/exe")
	if err != nil {
		return nil, err
	}
	p := &Process{pid: pid, image: image}
	base, err := baseOf(folder)
	if err == nil {
		p.bias = base - image.low
		p.memory, err = os.Open(folder + "/mem")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the memory of process %d: %w", pid, err), image.file.Close())
	}
	return p, nil
}

// Close lets go of the process, which runs on.
func (p *Process) Close() error { return errors.Join(p.image.file.Close(), p.memory.Close()) }

// baseOf is the address at which the kernel has put the front of the executable.
func baseOf(folder string) (uint64, error) {
	exe, err := os.Readlink(folder + "/exe")
	if err != nil {
		return 0, err //nolint:wrapcheck // Open says what it was for
	}
	maps, err := os.ReadFile(folder + "/maps")
	if err != nil {
		return 0, err //nolint:wrapcheck // likewise
	}
	for line := range strings.Lines(string(maps)) {
		// 55d0c8400000-55d0c8401000 r--p 00000000 08:01 1234   /path
		fields := strings.Fields(line)
		const path, offset = 5, 2
		if len(fields) <= path || strings.Trim(fields[offset], "0") != "" || !strings.HasSuffix(strings.TrimSpace(line), exe) {
			continue
		}
		start, _, _ := strings.Cut(fields[0], "-")
		return strconv.ParseUint(start, 16, 64) //nolint:wrapcheck // likewise
	}
	return 0, errors.New("its executable is not mapped")
}

func (p *Process) read(at uint64, buf []byte) error {
	if _, err := p.memory.ReadAt(buf, int64(at)); err != nil {
		return fmt.Errorf("read the memory of process %d: %w", p.pid, err)
	}
	return nil
}

func (p *Process) word(at uint64) (uint64, error) {
	var buf [8]byte
	err := p.read(at, buf[:])
	return binary.LittleEndian.Uint64(buf[:]), err
}

// A Task is the initialisation of a package.
type Task struct {
	Package string
	State   State
	Funcs   []hang.Frame // its init functions and variable initialiser, in order, each with its first line
}

// A State says how far an initialisation is.
type State uint32

// The states, in the numbers of the runtime.
const (
	Waits State = iota
	Runs
	Done
)

// Tasks lists the initialisations of the program in their order, without those of the runtime, which
// come first.
func (p *Process) Tasks() ([]Task, error) {
	list := p.image.symbols[symTasks]
	const most, word = 1 << 20, 8
	if list.Size > most {
		return nil, &MissingError{"a list of init tasks that can be read"}
	}
	buf := make([]byte, list.Size)
	if err := p.read(list.Value+p.bias, buf); err != nil {
		return nil, err
	}
	var tasks []Task
	for ; len(buf) >= word; buf = buf[word:] {
		at := binary.LittleEndian.Uint64(buf)
		if at == 0 {
			continue // the list of a program that has begun to load is not relocated yet
		}
		head, err := p.word(at)
		if err != nil {
			return nil, err
		}
		t := Task{State: State(uint32(head)), Package: hang.Frame{Function: p.image.tasks[at-p.bias] + ".init"}.Package()}
		const mostFuncs = 10_000
		for n := range min(head>>32, mostFuncs) {
			pc, err := p.word(at + word + word*n)
			if err != nil {
				return nil, err
			}
			if file, line, f := p.image.funcs.PCToLine(pc - p.bias); f != nil {
				t.Funcs = append(t.Funcs, hang.Frame{Function: f.Name, File: file, Line: line})
			}
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}
