package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// A formatFlag is the flag -o of commands that print a table, or what the daemon says.
type formatFlag struct{ value string }

const formatJSON = "json"

func (f *formatFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.value, "output", "o", "table", "`FORMAT`: table or json")
}

// json reports whether the answer is wanted as it is.
func (f *formatFlag) json() (bool, error) {
	if f.value != "table" && f.value != formatJSON {
		return false, usageError{fmt.Errorf("-o %q is neither table nor json", f.value)}
	}
	return f.value == formatJSON, nil
}
