package initorder

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// filesPerRun is how many files go tool nm is given at once: command lines have an end.
const filesPerRun = 100

// tasks reads the init task of every package out of what the compiler made of it. A
// package's task needs the tasks whose symbols its file mentions: they are the targets of
// the relocations that the linker follows. It also says which file has which task.
func (o Options) tasks(ctx context.Context, exports []string) (tasks map[string]task, fileOf map[string]string, err error) {
	tasks, fileOf = map[string]task{}, map[string]string{}
	for chunk := range slices.Chunk(exports, filesPerRun) {
		out, err := o.Go(ctx, append([]string{"tool", "nm", "-size", "-sort=none"}, chunk...)...)
		if err != nil {
			return nil, nil, &Error{"go tool nm", "the symbols of compiled packages cannot be read", "", err}
		}
		symbols, err := parseSymbols(bytes.NewReader(out), chunk[0])
		if err != nil {
			return nil, nil, &Error{"go tool nm", "its output cannot be read", "", err}
		}
		for file, found := range tasksOf(symbols) {
			tasks[found.symbol], fileOf[found.symbol] = found, file
		}
	}
	return tasks, fileOf, nil
}

// A symbol of an init task, as go tool nm prints it.
type symbol struct {
	file    string
	name    string
	size    int64
	defined bool // in this file, not merely mentioned
}

// tasksOf puts together the task of each file.
func tasksOf(symbols []symbol) map[string]task {
	needs, tasks := map[string][]string{}, map[string]task{}
	for _, s := range symbols {
		if s.defined {
			tasks[s.file] = task{symbol: s.name, functions: functionsIn(s.size)}
		} else if !slices.Contains(needs[s.file], s.name) {
			needs[s.file] = append(needs[s.file], s.name)
		}
	}
	for file, t := range tasks {
		t.needs = needs[file]
		tasks[file] = t
	}
	return tasks
}

// functionsIn is how many functions a task of size bytes runs: it has a header of two
// numbers of 32 bits, and a pointer for each. Export data are of 64 or of 32 bits; a task
// of 32 bits gives half the number, rounded up, which is right about none and some.
func functionsIn(size int64) int {
	const header, pointer = 8, 8
	if size <= header {
		return 0
	}
	return int((size - header + pointer - 1) / pointer)
}

// parseSymbols reads the symbols of init tasks that go tool nm prints of one or more
// files. With one file it does not say which: only is it.
func parseSymbols(r io.Reader, only string) ([]symbol, error) {
	var symbols []symbol
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20) // names of generic types can be long
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasSuffix(line, taskSuffix) {
			continue
		}
		s := symbol{file: only}
		if file, rest, found := strings.Cut(line, ":\t"); found {
			s.file, line = strings.TrimSuffix(file, "(_go_.o)"), rest
		}
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue // the name of something else that ends so
		}
		s.name = fields[len(fields)-1]
		kind := fields[len(fields)-2]
		size, err := strconv.ParseInt(fields[len(fields)-3], 10, 64)
		if err != nil || len(kind) != 1 {
			return nil, fmt.Errorf("not a symbol with its size: %q", lines.Text())
		}
		s.size, s.defined = size, kind != "U"
		symbols = append(symbols, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read symbols: %w", err)
	}
	return symbols, nil
}
