//go:build watch

package dep

import _ "os" // as most packages do; without it, this one would initialise before the watchdog
