package aggregate

import (
	_ "github.com/lib/pq"
	_ "image/png"
)
