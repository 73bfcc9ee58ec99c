package report

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Machine is where and when the figures were taken.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	// Disk is the kind of file system that the service's data was on.
	Disk string `json:"disk"`
	// Date is when the comparison began.
	Date string `json:"date"`
	// Load is the load average of the minute before that. Figures of a machine
	// that does something else too are worth little.
	Load string `json:"load"`
}

// ThisMachine describes the machine. Data is a directory on the disk to name.
func ThisMachine(data string) Machine {
	return Machine{
		CPU:    found("/proc/cpuinfo", `model name\s*:\s*(.+)`),
		Cores:  runtime.NumCPU(),
		Memory: memory(found("/proc/meminfo", `MemTotal:\s*(\d+) kB`)),
		Kernel: found("/proc/sys/kernel/osrelease", `(\S+)`),
		Go:     runtime.Version(),
		Disk:   disk(data),
		Date:   time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		Load:   found("/proc/loadavg", `(\S+)`),
	}
}

// found returns what the group of the expression matches first in a file.
func found(file, expression string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	match := regexp.MustCompile(expression).FindSubmatch(content)
	if match == nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(match[1]))
}

func memory(kib string) string {
	var n float64
	if _, err := fmt.Sscan(kib, &n); err != nil {
		return kib
	}
	return fmt.Sprintf("%.0f GiB", n/(1<<20))
}

// disk names a directory's file system. On tmpfs an fsync costs nothing.
func disk(dir string) string {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return "unknown"
	}
	names := map[int64]string{
		0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x01021994: "tmpfs",
		0x794c7630: "overlayfs", 0x2fc12fc1: "zfs",
	}
	if name, ok := names[int64(stat.Type)]; ok {
		return name
	}
	return fmt.Sprintf("file system %#x", stat.Type)
}

// String describes the machine in a sentence.
func (m Machine) String() string {
	return strings.Join([]string{
		fmt.Sprintf("%s, %d cores, %s", m.CPU, m.Cores, m.Memory),
		"Linux " + m.Kernel, m.Go, "data on " + m.Disk, m.Date, "load average before " + m.Load,
	}, "; ")
}
