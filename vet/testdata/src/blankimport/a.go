package blankimport

import (
	"fmt"
)

import _ "embed"

import (
	// drivers that the config may name
	_ "drivers/polite"
	_ "image/gif"

	_ "image/png" // for the logo

	_ "image/jpeg" //nolint:revive // for photographs

	_ "elsewhere" // on Plan 9

	// pinned in go.mod
	_ "pure"
)

var _ = fmt.Sprint
