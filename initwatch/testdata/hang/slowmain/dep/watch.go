//go:build watch

package dep

import _ "net" // which initialises late
