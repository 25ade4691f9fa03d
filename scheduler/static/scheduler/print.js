// The sheet that was just numbered goes to the printer.
window.print();
