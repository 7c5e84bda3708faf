package bare

import (
	"fmt"

	_ "aggregate"
	_ "github.com/lib/pq"
	// something about the next one
	_ "pure"

	_ "image/gif" //nolint:revive
)

var _ = fmt.Sprint
