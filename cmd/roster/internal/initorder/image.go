package initorder

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// An image is a program as its file holds it: memory by address, and symbols if it has any.
type image struct {
	bytes    binary.ByteOrder
	pointers int               // bytes of a pointer
	segments []segment         // sorted by address
	moved    map[uint64]uint64 // pointers that the loader writes, by their address
	symbols  map[string]uint64 // of init tasks and their lists; empty if stripped
	sizes    map[string]uint64 // of lists, where the format has sizes of symbols
	target   func(uint64) uint64
	pclntab  []byte // the table of functions, if it is in a section of its own
	text     uint64 // where the code begins
}

type segment struct {
	name string
	addr uint64
	data []byte
}

// at is the memory from addr on, to the end of its section.
func (m *image) at(addr uint64) []byte {
	i, found := slices.BinarySearchFunc(m.segments, addr, func(s segment, addr uint64) int {
		switch {
		case s.addr > addr:
			return 1
		case s.addr+uint64(len(s.data)) <= addr:
			return -1
		}
		return 0
	})
	if !found {
		return nil
	}
	return m.segments[i].data[addr-m.segments[i].addr:]
}

// pointer is the pointer at addr, as it will be when the program runs where it wants to.
func (m *image) pointer(addr uint64) (uint64, bool) {
	if to, ok := m.moved[addr]; ok {
		return to, true
	}
	data := m.at(addr)
	if len(data) < m.pointers {
		return 0, false
	}
	value := uint64(m.bytes.Uint32(data))
	if m.pointers == 8 {
		value = m.bytes.Uint64(data)
	}
	if m.target != nil {
		value = m.target(value)
	}
	return value, true
}

// errNoProgram is for files of another kind.
var errNoProgram = errors.New("not a program for Linux, macOS, Windows or another system with ELF files")

func readImage(file string) (*image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	magic := make([]byte, 4)
	if _, err := f.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read: %w", err)
	}
	read := readMacho
	switch {
	case bytes.HasPrefix(magic, []byte(elf.ELFMAG)):
		read = readELF
	case bytes.HasPrefix(magic, []byte("MZ")):
		read = readPE
	case !slices.Contains([]string{"\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe"}, string(magic)):
		return nil, errNoProgram
	}
	m, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("damaged, or of an unknown kind: %w", err)
	}
	slices.SortFunc(m.segments, func(a, b segment) int {
		if a.addr < b.addr {
			return -1
		}
		return 1
	})
	return m, nil
}

// note keeps a symbol if it is of use.
func (m *image) note(name string, addr uint64) {
	name = strings.TrimPrefix(name, "_") // as macOS has them
	if strings.HasSuffix(name, taskSuffix) || name == mainList || name == runtimeList {
		m.symbols[name] = addr
	}
}

func readELF(r io.ReaderAt) (*image, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // readImage says which file
	}
	m := &image{bytes: f.ByteOrder, pointers: 8, moved: map[uint64]uint64{}, symbols: map[string]uint64{}, sizes: map[string]uint64{}}
	if f.Class == elf.ELFCLASS32 {
		m.pointers = 4
	}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS || s.Addr == 0 || s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		m.segments = append(m.segments, segment{s.Name, s.Addr, data})
		switch {
		case s.Type == elf.SHT_RELA && //nolint:misspell // a section of relocations with addends
			m.pointers == 8:
			m.relocate(data, f.Machine)
		case s.Name == ".text":
			m.text = s.Addr
		case strings.HasSuffix(s.Name, ".gopclntab"):
			m.pclntab = data
		}
	}
	symbols, err := f.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("symbols: %w", err)
	}
	for _, s := range symbols {
		m.note(s.Name, s.Value)
		if s.Name == mainList || s.Name == runtimeList {
			m.sizes[s.Name] = s.Size
		}
	}
	return m, nil
}

// relocate notes the pointers that the loader of a position-independent program writes.
func (m *image) relocate(table []byte, machine elf.Machine) {
	relative := map[elf.Machine]uint32{
		elf.EM_X86_64: uint32(elf.R_X86_64_RELATIVE), elf.EM_AARCH64: uint32(elf.R_AARCH64_RELATIVE),
		elf.EM_RISCV: uint32(elf.R_RISCV_RELATIVE), elf.EM_S390: uint32(elf.R_390_RELATIVE), elf.EM_PPC64: uint32(elf.R_PPC64_RELATIVE),
		elf.EM_LOONGARCH: uint32(elf.R_LARCH_RELATIVE),
	}[machine]
	const size = 24 // of an entry: address, kind, and what to add
	for ; len(table) >= size && relative != 0; table = table[size:] {
		if kind := uint32(m.bytes.Uint64(table[8:])); kind == relative {
			m.moved[m.bytes.Uint64(table)] = m.bytes.Uint64(table[16:])
		}
	}
}

func readPE(r io.ReaderAt) (*image, error) {
	f, err := pe.NewFile(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // readImage says which file
	}
	m := &image{bytes: binary.LittleEndian, pointers: 4, symbols: map[string]uint64{}}
	var base uint64
	switch h := f.OptionalHeader.(type) {
	case *pe.OptionalHeader64:
		base, m.pointers = h.ImageBase, 8
	case *pe.OptionalHeader32:
		base = uint64(h.ImageBase)
	}
	for _, s := range f.Sections {
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		m.segments = append(m.segments, segment{s.Name, base + uint64(s.VirtualAddress), data})
	}
	for _, s := range f.Symbols {
		if n := int(s.SectionNumber); n > 0 && n <= len(f.Sections) {
			m.note(s.Name, base+uint64(f.Sections[n-1].VirtualAddress)+uint64(s.Value))
		}
	}
	return m, nil
}

func readMacho(r io.ReaderAt) (*image, error) {
	f, err := macho.NewFile(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // readImage says which file
	}
	m := &image{bytes: f.ByteOrder, pointers: 8, symbols: map[string]uint64{}}
	if f.Magic == macho.Magic32 {
		m.pointers = 4
	}
	for _, s := range f.Sections {
		if s.Offset == 0 { // nothing in the file: zeroes
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		m.segments = append(m.segments, segment{s.Name, s.Addr, data})
		switch s.Name {
		case "__text":
			m.text = s.Addr
		case "__gopclntab":
			m.pclntab = data
		}
	}
	if f.Symtab != nil {
		for _, s := range f.Symtab.Syms {
			m.note(s.Name, s.Value)
		}
	}
	return m, nil
}
