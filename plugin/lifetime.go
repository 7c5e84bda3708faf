package plugin

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// endIsNear is how long before its end a version is warned of when a plugin of it
// is added.
const endIsNear = 30 * 24 * time.Hour

// checkVersion reports whether a plugin's API version is one of those that this host
// takes today.
func (h *Host) checkVersion(d Descriptor) error {
	now := time.Now()
	end, ends := h.endOfLife[d.APIVersion]
	allowed := slices.Contains(h.apiVersions, d.APIVersion)
	if allowed && (!ends || now.Before(end)) {
		if ends && end.Sub(now) < endIsNear {
			h.log.Warn("the api_version of a plugin is near its end of life", slog.String("plugin_name", d.Name),
				slog.String("api_version", d.APIVersion), slog.Time("end_of_life", end))
		}
		return nil
	}
	e := &APIVersionError{Plugin: d.Name, Source: d.Source, Declared: d.APIVersion, ByFile: true}
	if allowed {
		e.Ended = end
	}
	for _, version := range h.apiVersions {
		if end, ends := h.endOfLife[version]; !ends || now.Before(end) {
			e.Allowed = append(e.Allowed, version)
		}
	}
	return e
}

// checkLifetimes reports an end of life of a version that is not allowed anyway: it
// is a typing error in one of the two.
func (o Options) checkLifetimes(allowed []string) error {
	for version := range o.EndOfLife {
		if !slices.Contains(allowed, version) {
			return fmt.Errorf("plugin: Options.EndOfLife has api_version %q, and Options.APIVersions are %s; make the two agree",
				version, quotedList(allowed, ", "))
		}
	}
	return nil
}
