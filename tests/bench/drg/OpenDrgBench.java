// OpenDrgBench - how many records a CPU second OpenDRG's Java grouper groups; our own harness around its public
// entry point.  Arguments: cases.csv (our columns), number of records, number of rounds.
import drg_group.chs_drg_11.GroupProxy;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

public class OpenDrgBench {
    public static void main(String[] args) throws Exception {
        List<String> records = new ArrayList<>();
        List<String> lines = Files.readAllLines(Paths.get(args[0]), StandardCharsets.UTF_8);
        for (String line : lines.subList(1, Math.min(lines.size(), 1 + Integer.parseInt(args[1])))) {
            String[] f = line.split(",", -1);
            if (f[2].matches("[0-9]+") && f[1].matches("[12]") && !f[8].isEmpty()) // it raises on others
                records.add(String.join(",", Arrays.copyOf(f, 10)));
        }
        GroupProxy grouper = new GroupProxy();
        double[] rates = new double[Integer.parseInt(args[2])];
        long grouped = 0;
        for (int round = -1; round < rates.length; round++) { // the first round warms up
            long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            for (String record : records)
                grouped += grouper.group_record(record) != null ? 1 : 0;
            double seconds = (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start) / 1e9;
            if (round >= 0)
                rates[round] = records.size() / seconds;
        }
        Arrays.sort(rates);
        System.out.printf("OpenDRG Java      %8d records %10.0f records a CPU second [%.0f .. %.0f], %d answers%n",
                records.size(), rates[rates.length / 2], rates[0], rates[rates.length - 1], grouped);
    }
}
