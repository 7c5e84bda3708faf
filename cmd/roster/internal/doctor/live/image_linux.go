package live

import (
	"debug/dwarf"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The symbols that are looked up.
const (
	symTasks   = "go:main.inittasks"
	symAllgs   = "runtime.allgs"
	symReasons = "runtime.waitReasonStrings"
	symText    = "runtime.text"
	taskSuffix = "..inittask"
)

// A MissingError says what a program lacks for being looked at while it runs.
type MissingError struct{ What string }

func (e *MissingError) Error() string { return e.What }

// An image is what the executable file tells.
type image struct {
	file    *elf.File
	symbols map[string]elf.Symbol // those above
	tasks   map[uint64]string     // address of an init task → symbol without its suffix
	funcs   *gosym.Table
	debug   *dwarf.Data // nil if there is none
	units   []unit
	types   layout
	low     uint64 // address of the first segment
}

func openImage(path string) (*image, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the executable: %w", err)
	}
	i := &image{file: file, symbols: make(map[string]elf.Symbol), tasks: make(map[uint64]string)}
	if err := i.read(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return i, nil
}

func (i *image) read() error {
	if i.file.Class != elf.ELFCLASS64 || i.file.ByteOrder != binary.LittleEndian {
		return &MissingError{"a live view of programs that are not 64 bit, little endian"}
	}
	for _, segment := range i.file.Progs {
		if segment.Type == elf.PT_LOAD {
			i.low = segment.Vaddr &^ (segment.Align - 1)
			break
		}
	}
	symbols, err := i.file.Symbols()
	if err != nil {
		return &MissingError{"symbols: the program was linked with -ldflags=-s, or stripped"}
	}
	for _, s := range symbols {
		switch s.Name {
		case symTasks, symAllgs, symReasons, symText:
			i.symbols[s.Name] = s
		default:
			if name, ok := strings.CutSuffix(s.Name, taskSuffix); ok {
				i.tasks[s.Value] = name
			}
		}
	}
	if i.symbols[symTasks].Size == 0 {
		return &MissingError{"the symbol " + symTasks + ": the program is none of Go 1.21 or later, or was stripped"}
	}
	if err := i.readFunctions(); err != nil {
		return err
	}
	if debug, err := i.file.DWARF(); err == nil {
		if types, err := readLayout(debug); err == nil {
			i.debug, i.types = debug, types
			i.units = readUnits(debug)
		}
	}
	return nil
}

// readFunctions reads the table that every Go program carries for its own stack traces.
func (i *image) readFunctions() error {
	for _, section := range i.file.Sections {
		if !strings.HasSuffix(section.Name, ".gopclntab") {
			continue
		}
		data, err := section.Data()
		if err != nil {
			return fmt.Errorf("read the table of functions: %w", err)
		}
		i.funcs, err = gosym.NewTable(nil, gosym.NewLineTable(data, i.symbols[symText].Value))
		if err != nil {
			return fmt.Errorf("read the table of functions: %w", err)
		}
		return nil
	}
	return &MissingError{"the table of functions .gopclntab"}
}
