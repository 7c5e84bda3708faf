package initorder

import (
	"container/heap"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// taskSuffix ends the symbol of an init task.
const taskSuffix = "..inittask"

// mainPackage is the name of a program's own package, and its path for the linker.
const mainPackage = "main"

const (
	mainTask    = mainPackage + taskSuffix
	runtimeTask = "runtime" + taskSuffix
)

// A task is what the compiler says a package has to initialise.
type task struct {
	symbol    string   // the escaped import path and taskSuffix
	functions int      // init functions and the initialisers of variables, as one
	needs     []string // symbols of imports that have a task
}

// A slot is one step of a schedule.
type slot struct {
	task

	last      string   // of needs, the one that was done last; "" if it needs nothing
	overtaken []string // tasks that went first although this one was ready: they sort before it
}

// errUnschedulable is never met with what the compiler wrote: imports have no cycles.
var errUnschedulable = errors.New("a cycle of init tasks")

// schedule orders the tasks that root needs, and root, as the linker does.
func schedule(tasks map[string]task, root string) ([]slot, error) {
	waiting, importers, err := reach(tasks, root)
	if err != nil {
		return nil, err
	}
	var (
		ready symbols
		order []slot
		since = map[string]int{} // how long order was when the task became ready
		last  = map[string]string{}
	)
	for _, symbol := range slices.Sorted(maps.Keys(waiting)) {
		if waiting[symbol] == 0 {
			heap.Push(&ready, symbol)
		}
	}
	for ready.Len() > 0 {
		symbol, _ := heap.Pop(&ready).(string)
		s := slot{task: tasks[symbol], last: last[symbol]}
		for _, earlier := range order[since[symbol]:] {
			s.overtaken = append(s.overtaken, earlier.symbol)
		}
		order = append(order, s)
		for _, importer := range importers[symbol] {
			waiting[importer]--
			if waiting[importer] == 0 {
				since[importer], last[importer] = len(order), symbol
				heap.Push(&ready, importer)
			}
		}
	}
	if len(order) != len(waiting) {
		return nil, fmt.Errorf("%w: %d of %d have an order", errUnschedulable, len(order), len(waiting))
	}
	return order, nil
}

// reach finds what root needs: how many imports each task waits for, and who waits for it.
func reach(tasks map[string]task, root string) (waiting map[string]int, importers map[string][]string, err error) {
	waiting, importers = map[string]int{}, map[string][]string{}
	if _, ok := tasks[root]; !ok {
		return waiting, importers, nil
	}
	waiting[root] = 0
	for queue := []string{root}; len(queue) > 0; {
		symbol := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		waiting[symbol] = len(tasks[symbol].needs)
		for _, need := range tasks[symbol].needs {
			if _, ok := tasks[need]; !ok {
				return nil, nil, fmt.Errorf("%s needs %s, which no package has", symbol, need)
			}
			importers[need] = append(importers[need], symbol)
			if _, found := waiting[need]; !found {
				waiting[need] = 0
				queue = append(queue, need)
			}
		}
	}
	return waiting, importers, nil
}

// symbols is a heap in the order of the linker.
type symbols []string //nolint:recvcheck // a heap grows and shrinks through a pointer

func (s symbols) Len() int           { return len(s) }
func (s symbols) Less(i, j int) bool { return s[i] < s[j] }
func (s symbols) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *symbols) Push(x any) {
	symbol, _ := x.(string)
	*s = append(*s, symbol)
}

func (s *symbols) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// packageOf is the import path in a symbol of a task.
func packageOf(symbol string) string { return unescape(strings.TrimSuffix(symbol, taskSuffix)) }

// unescape undoes what the linker does to import paths: %2e for a dot after the last
// slash, and the like.
func unescape(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			high, low := unhex(path[i+1]), unhex(path[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

func unhex(c byte) int {
	return strings.IndexByte("0123456789abcdef", c)
}
