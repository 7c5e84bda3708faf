package initorder

import (
	"debug/buildinfo"
	"debug/gosym"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The symbols of the lists that the linker writes.
const (
	mainList    = "go:main.inittasks"
	runtimeList = "go:runtime.inittasks"
)

// OfBinary tells the order that a program has in it. It knows what runs and in what
// order; a program does not say who imports whom or what its packages register, and
// Notes say how to learn that.
func OfBinary(file string) (*Order, error) {
	m, err := readImage(file)
	if err != nil {
		return nil, &Error{file, "it cannot be read as a program", "give a program that Go built, or a main package", err}
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, &Error{file, "it was not built by Go, or says nothing about it", "give a program that Go built, or a main package", err}
	}
	order := &Order{Program: file}
	if m.symbols[mainList] != 0 {
		order.Source = FromSymbols
		order.Steps, err = m.listed()
	} else {
		order.Source = FromTables
		order.Steps, err = m.found()
	}
	again := "run roster init-order " + orPackage(info.Path) + " where its sources are"
	if err != nil {
		return nil, &Error{file, "its list of init tasks cannot be found", again, err}
	}
	order.addModules(info)
	order.Notes = append(order.Notes, "a program does not hold who imports whom, nor what is registered: "+again)
	return order, nil
}

func orPackage(path string) string {
	if path == "" || path == "command-line-arguments" {
		return "PACKAGE"
	}
	return path
}

// listed reads the lists by their symbols.
func (m *image) listed() ([]Step, error) {
	names := make(map[uint64]string, len(m.symbols))
	for name, addr := range m.symbols {
		if strings.HasSuffix(name, taskSuffix) {
			names[addr] = name
		}
	}
	var steps []Step
	seen := map[uint64]bool{}
	for _, list := range []string{runtimeList, mainList} {
		addr := m.symbols[list]
		if addr == 0 {
			continue
		}
		size, sized := m.sizes[list]
		end := addr + size
		for ; !sized || addr < end; addr += uint64(m.pointers) {
			task, ok := m.pointer(addr)
			if !ok && sized {
				return nil, fmt.Errorf("%s at %#x is not in the file", list, addr)
			}
			name := names[task]
			if name == "" && !sized {
				break // this is behind the list
			}
			if name == "" {
				return nil, fmt.Errorf("%s has %#x, which is no init task", list, task)
			}
			if seen[task] {
				continue
			}
			seen[task] = true
			steps = append(steps, m.step(len(steps)+1, packageOf(name), task, list == runtimeList))
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("%s is empty", mainList)
	}
	return steps, nil
}

func (m *image) step(position int, path string, task uint64, runtime bool) Step {
	s := Step{Position: position, Package: path, Runtime: runtime}
	if data := m.at(task); len(data) >= 8 {
		s.Functions = int(m.bytes.Uint32(data[4:]))
	}
	return s
}

// found finds the lists in a stripped program: the runtime keeps them as slices, and a
// slice of pointers to init tasks looks like nothing else. Names are those of the
// functions that the tasks run.
func (m *image) found() ([]Step, error) {
	if m.pclntab == nil {
		return nil, errors.New("it is stripped, and its table of functions has no section of its own")
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(m.pclntab, m.text))
	if err != nil {
		return nil, fmt.Errorf("it is stripped, and its table of functions cannot be read: %w", err)
	}
	var lists [][]uint64
	for _, s := range m.segments {
		if s.name != ".go.module" && s.name != "__go_module" && s.name != ".noptrdata" && s.name != "__noptrdata" && s.name != ".data" {
			continue
		}
		step := uint64(m.pointers)
		for addr := s.addr; addr+3*step <= s.addr+uint64(len(s.data)); addr += step {
			if list := m.taskSlice(addr, table); list != nil {
				lists = append(lists, list)
			}
		}
	}
	// The runtime's own list is the shorter one, and part of the other.
	slices.SortStableFunc(lists, func(a, b []uint64) int { return len(a) - len(b) })
	if len(lists) == 0 {
		return nil, errors.New("it is stripped, and nothing in it looks like the list")
	}
	var steps []Step
	seen := map[uint64]bool{}
	for i, list := range lists {
		for _, task := range list {
			if !seen[task] {
				seen[task] = true
				steps = append(steps, m.step(len(steps)+1, m.taskPackage(task, table), task, i < len(lists)-1))
			}
		}
	}
	return steps, nil
}

// taskSlice is the slice at addr if all of its elements are init tasks.
func (m *image) taskSlice(addr uint64, functions *gosym.Table) []uint64 {
	const most = 1 << 16 // packages of a program
	step := uint64(m.pointers)
	first, _ := m.pointer(addr)
	length, _ := m.pointer(addr + step)
	capacity, ok := m.pointer(addr + 2*step)
	if !ok || first == 0 || length == 0 || length > most || length != capacity {
		return nil
	}
	list := make([]uint64, 0, length)
	for i := range length {
		task, ok := m.pointer(first + i*step)
		if !ok || m.taskPackage(task, functions) == "" {
			return nil
		}
		list = append(list, task)
	}
	return list
}

// taskPackage is the package whose init functions the task at addr runs, "" if it is no task.
func (m *image) taskPackage(addr uint64, functions *gosym.Table) string {
	const most = 1 << 16 // init functions of a package
	data := m.at(addr)
	if len(data) < 8+m.pointers || m.bytes.Uint32(data) != 0 {
		return ""
	}
	n := m.bytes.Uint32(data[4:])
	if n == 0 || n > most {
		return ""
	}
	first := ""
	for i := range uint64(n) {
		entry, ok := m.pointer(addr + 8 + i*uint64(m.pointers))
		if !ok {
			return ""
		}
		f := functions.PCToFunc(entry)
		if f == nil || f.Entry != entry {
			return ""
		}
		if first == "" {
			first = f.Name
		}
	}
	return functionPackage(first)
}

// functionPackage is the import path in the name of an init function, "" if it is none.
func functionPackage(name string) string {
	slash := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[slash:], '.')
	if dot < 0 {
		return ""
	}
	rest := name[slash+dot+1:]
	if rest != "init" && !strings.HasPrefix(rest, "init.") && !strings.HasPrefix(rest, "init_") {
		return ""
	}
	return unescape(name[:slash+dot])
}

// addModules tells the module of each package by its path.
func (o *Order) addModules(info *buildinfo.BuildInfo) {
	versions := map[string]string{info.Main.Path: info.Main.Version}
	for _, d := range info.Deps {
		versions[d.Path] = d.Version
	}
	for i := range o.Steps {
		s := &o.Steps[i]
		first, _, _ := strings.Cut(s.Package, "/")
		s.Standard = s.Package != mainPackage && !strings.Contains(first, ".")
		path := s.Package
		if path == mainPackage {
			path = info.Path
		}
		for p := path; p != ""; p = p[:max(0, strings.LastIndexByte(p, '/'))] {
			if version, ok := versions[p]; ok {
				s.Module, s.Standard = strings.TrimSuffix(p+"@"+version, "@"), false
				break
			}
		}
	}
}
