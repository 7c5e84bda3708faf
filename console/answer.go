package console

import (
	"time"

	"github.com/roster-go/roster"
)

// The answers. Field names are part of the interface: tools read them.
type (
	index struct {
		Registries []summary `json:"registries"`
		Page       *page     `json:"page"`
	}

	// page says which lines of how many are shown. Lines may come and go between
	// two requests: the registry's version tells.
	page struct {
		Offset int  `json:"offset"`
		Shown  int  `json:"shown"`
		Total  int  `json:"total"`          // that match the search
		Next   *int `json:"next,omitempty"` // the offset of the following lines, if there are more
	}

	summary struct {
		Name      string           `json:"name"`
		Type      string           `json:"type"`
		Lifecycle roster.Lifecycle `json:"lifecycle"`
		Version   uint64           `json:"version"`
		Size      int              `json:"size"`
		Suspended int              `json:"suspended,omitempty"` // entries that are not given out
		Created   site             `json:"created"`
		Sealed    *site            `json:"sealed,omitempty"` // while it is closed for writing
		Hits      uint64           `json:"hits"`
		Misses    uint64           `json:"misses"`
		Refused   uint64           `json:"refused,omitempty"` // lookups of what is suspended
	}

	detail struct {
		summary
		Entries       []entry `json:"entries"`
		Page          *page   `json:"page"` // of entries
		Lookups       []count `json:"lookups"`
		Registrations []count `json:"registrations"`
		Reloads       []count `json:"reloads"`
		Missed        []miss  `json:"missed"` // the most wanted first

		// Of a registry that changes while the program runs.
		Changes     []change `json:"changes,omitempty"`      // newest first
		Holders     []holder `json:"holders,omitempty"`      // those that are waited for first, then those of the oldest versions
		MoreHolders int      `json:"more_holders,omitempty"` // that are left out
		Stuck       *stuck   `json:"stuck,omitempty"`
	}

	entry struct {
		Name       string      `json:"name"`
		Type       string      `json:"type"`
		Registered site        `json:"registered"`
		At         time.Time   `json:"at"`
		Version    uint64      `json:"version"`
		Hits       uint64      `json:"hits"`
		Overrides  *claim      `json:"overrides,omitempty"`
		Suspended  *suspension `json:"suspended,omitempty"` // while it is not given out
	}

	suspension struct {
		Why   string    `json:"why"`
		Since time.Time `json:"since"`
		By    site      `json:"by"`
	}

	claim struct {
		Type       string `json:"type"`
		Registered site   `json:"registered"`
	}

	count struct {
		Name    string         `json:"name,omitempty"`
		Outcome roster.Outcome `json:"outcome"`
		Count   uint64         `json:"count"`
	}

	// miss is a name that was asked for in vain and what may be meant by it.
	miss struct {
		Name       string     `json:"name"`
		Count      uint64     `json:"count"`
		Registered bool       `json:"registered,omitempty"` // it is there by now
		Nearest    []string   `json:"nearest,omitempty"`    // names that are there
		Providers  []provider `json:"providers,omitempty"`  // packages to import, the recommended one first
		Suggested  string     `json:"suggested,omitempty"`  // what Providers provide, if it is not Name
	}

	provider struct {
		Import string `json:"import"`
		Note   string `json:"note,omitempty"`
	}

	change struct {
		Version  uint64    `json:"version"`
		At       time.Time `json:"at"`
		By       site      `json:"by"`
		Added    []string  `json:"added,omitempty"`
		Replaced []string  `json:"replaced,omitempty"`
		Removed  []string  `json:"removed,omitempty"`
		More     int       `json:"more,omitempty"` // names that are left out of the lists
	}

	holder struct {
		Kind       string     `json:"kind"`
		Name       string     `json:"name,omitempty"`
		Version    uint64     `json:"version"`
		Label      string     `json:"label,omitempty"`
		At         site       `json:"at"`
		Superseded *time.Time `json:"superseded,omitempty"`
		Stuck      bool       `json:"stuck,omitempty"` // something waits for it to be released
	}

	stuck struct {
		Values   int    `json:"values"`             // that are replaced or removed and not retired
		Retiring string `json:"retiring,omitempty"` // whose retire function has not returned
	}

	site struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Function string `json:"function"`
		Package  string `json:"package"`
		Module   string `json:"module"`
		Version  string `json:"version"`
	}

	// fault is the answer to a request that cannot be served.
	fault struct {
		Status int      `json:"-"`
		Error  string   `json:"error"`
		Known  []string `json:"known,omitempty"`
		near   string   // a registry that may be meant
	}
)
