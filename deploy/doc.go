// Package deploy holds what it takes to run Roster where others depend on it: alert rules and a
// dashboard for Prometheus, a unit for systemd, an image, and manifests for Kubernetes. The Go code
// here generates what is generated, and its tests prove the rest: that each alert fires and stays
// quiet, that what refers to a metric refers to one that a daemon exports, and that a daemon takes
// each config. It is never published.
package deploy
