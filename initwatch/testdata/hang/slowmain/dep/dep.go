// Package dep has inits that take a while and end.
package dep

import "time"

// Table is filled by an initialiser that allocates.
var Table = fill()

func fill() []string {
	time.Sleep(100 * time.Millisecond)
	table := make([]string, 1000)
	for i := range table {
		table[i] = string(make([]byte, 64))
	}
	return table
}
